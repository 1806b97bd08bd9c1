builtins.genericClosure {
  startSet = map (key: { inherit key; }) [ "m" "c" "x" "a" ];
  operator = { key }: if key == "a" then [ { key = "z"; } { key = 1; } ] else [ ];
}
