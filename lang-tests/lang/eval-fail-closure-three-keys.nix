builtins.genericClosure {
  startSet = map (key: { inherit key; }) [ 1 2.5 "three" ];
  operator = item: [ ];
}
