let
  a = x: b (x + 1);
  b = x: c { inherit x; y = x * 2; };
  c = { x, y }: if x > 0 then d [ x y ] else 0;
  d = l: builtins.foldl' (acc: v: acc + e v) 0 l;
  e = v: if v == 4 then throw "e got four" else v;
in a 1
