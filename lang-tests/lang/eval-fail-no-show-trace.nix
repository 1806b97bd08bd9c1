let
  a = b: c b;
  c = d: e { inherit d; };
  e = { d }: [ (f d) ];
  f = x: x.y;
in { result = a { z = 1; }; }
