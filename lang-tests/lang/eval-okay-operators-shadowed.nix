let
  normal = [ (5 - 3) (5 * 3) (5 / 3) (5 < 3) (-5) ];
  shadow = let __sub = a: b: "sub"; __mul = a: b: "mul"; __div = a: b: "div"; __lessThan = a: b: true; in [ (5 - 3) (5 * 3) (5 / 3) (5 < 3) (5 > 3) (5 <= 3) (5 >= 3) (-5) (5 + 3) ];
  viaWith = with { __sub = a: b: "with"; }; 5 - 3;
  find = let __findFile = path: name: "found ${name} in ${toString path}"; __nixPath = [ "p" ]; in <some/thing>;
  arg = (__sub: 1 - 2) (a: b: a + b);
in { inherit normal shadow viaWith find arg; }
