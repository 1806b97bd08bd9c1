x: [
  x.a
  x.a.b."c d".${"e"}
  (x.a or 1)
  (x.a.b or x.c or 2)
  (x.or)
  (x.a or (y: y) 1)
  x.a or 1
  (x.a x.b)
  (x {} [ ] "s" ./p)
  x."${"interp"}"
  x."a${"b"}"
]
