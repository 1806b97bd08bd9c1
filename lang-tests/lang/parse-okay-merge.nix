# Attribute paths and sets join; the order of the first mention does not matter for the print.
{
  z.a = 1;
  m = { x = 1; };
  m.y = 2;
  a.b.c = 1;
  a = { b = { d = 2; }; e = 3; };
  m.sub.k = 4;
}
