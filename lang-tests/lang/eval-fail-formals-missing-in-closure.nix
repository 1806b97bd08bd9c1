builtins.genericClosure {
  startSet = [ { key = "a"; } ];
  operator = { dependencies, ... }: dependencies;
}
