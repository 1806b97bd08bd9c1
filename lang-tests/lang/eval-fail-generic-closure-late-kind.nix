builtins.genericClosure {
  startSet = map (key: { inherit key; }) [ 5 2 9 1 7 ];
  operator = { key }: if key == 7 then [ { key = "text"; } ] else [ ];
}
