let
  f = { __functor = self: { a, b ? 1 }: a + b + self.base; base = 100; };
  nested = { __functor = self: { __functor = s2: x: x + 1; }; };
  mapped = map { __functor = _: x: x * 2; } [ 1 2 3 ];
in [ (f { a = 1; }) ((nested 1) + 0) mapped (builtins.filter { __functor = _: x: x > 1; } [ 1 2 3 ]) (builtins.foldl' { __functor = _: a: b: a + b; } 0 [ 1 2 3 ]) ]
