let r = { self = r; list = [ r ]; }; in builtins.seq r.self (builtins.length r)
