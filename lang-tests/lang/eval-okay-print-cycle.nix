let r = { a = 1; b = r; c = [ r r ]; }; in builtins.seq r.a (builtins.seq r.b (builtins.seq r.c r))
