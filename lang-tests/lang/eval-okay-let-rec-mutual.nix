let a = { inherit b; n = 1; }; b = { c = a.n; d = c.e; }; c = { e = [ a.n b.c ]; }; in b.d
