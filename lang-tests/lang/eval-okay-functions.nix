let
  add = x: y: x + y;
  pat = { a, b ? a + 1, ... }@args: [ a b (builtins.attrNames args) ];
  at = all@{ x ? 1 }: all;
  counter = { __functor = self: x: self // { n = self.n + x; }; n = 0; };
  twice = f: x: f (f x);
  dflt = { a ? b, b ? 2 }: [ a b ];
in [
  (add 1 2) (map (add 10) [ 1 2 ]) (pat { a = 1; }) (pat { a = 1; b = 5; c = 6; }) (at { }) (at { x = 2; }) ((counter 3) 4).n
  (twice (x: x * x) 3) (dflt { }) (dflt { b = 7; }) (dflt { a = 0; }) ((x: x) (y: y) 3) (({ }: 1) { }) (({ ... }: 2) { z = 1; })
  (builtins.isFunction add) (builtins.isFunction counter) (builtins.isFunction map) (builtins.typeOf add) (builtins.typeOf builtins.add) (builtins.typeOf (builtins.add 1))
  (let fix = f: let x = f x; in x; in fix (self: { a = 1; b = self.a + 1; }))
  ((a: { b, c ? b }: d: a + b + c + d) 1 { b = 2; } 3)
]
