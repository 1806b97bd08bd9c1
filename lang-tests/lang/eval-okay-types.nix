let vs = [ 1 1.5 true null "s" ./p [ ] { } (x: x) map (builtins.add 1) { __functor = _: _: 1; } ]; in {
  typeOf = map builtins.typeOf vs;
  isInt = map builtins.isInt vs;
  isFloat = map builtins.isFloat vs;
  isBool = map builtins.isBool vs;
  isNull = map builtins.isNull vs;
  isString = map builtins.isString vs;
  isPath = map builtins.isPath vs;
  isList = map builtins.isList vs;
  isAttrs = map builtins.isAttrs vs;
  isFunction = map builtins.isFunction vs;
}
