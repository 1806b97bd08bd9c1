let a = { x = 1; }; l = [ 1 ]; e = { }; el = [ ]; r = { self = r; list = [ r ]; }; in [ a a l l e e el el r ]
