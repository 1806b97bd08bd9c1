builtins.genericClosure {
  startSet = [ (throw "start") ];
  operator = item: [ ];
}
