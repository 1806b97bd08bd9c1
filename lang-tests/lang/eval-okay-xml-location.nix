{ a = 1; f = x: x; g = { a, b }@c: a;
  nested = { inner = [ (y: y) ]; }; }
