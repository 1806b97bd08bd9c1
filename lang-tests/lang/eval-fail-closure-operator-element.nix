# What the operator gives is evaluated before any of it is looked at.
builtins.genericClosure {
  startSet = [ { key = 1; note = throw "never asked"; } ];
  operator = item: [ { key = 2; } (throw "element") ];
}
