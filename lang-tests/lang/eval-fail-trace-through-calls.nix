let
  f = x: g (x + 1);
  g = y: h { value = y; };
  h = { value }: assert value < 0; value;
in
f 1
