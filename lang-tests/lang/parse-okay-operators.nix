# Every operator once, and how they nest.
a: b: c: {
  unary = [ (!a) (-b) (!(!a)) (-(-b)) ];
  arithmetic = a + b * c - a / b + -c;
  grouping = (a - b) - c == a - (b - c);
  concat = a ++ b ++ c;
  update = a // b // c;
  compare = [ (a < b) (a <= b) (a > b) (a >= b) (a == b) (a != b) ];
  logic = !a && b || c -> a -> b;
  has = a ? x && b ? x.y && c ? "z".${"w"};
  not-has = !a ? x;
  minus = a - b;
  negated = -a + b;
  application = a b c + a (b c);
}
