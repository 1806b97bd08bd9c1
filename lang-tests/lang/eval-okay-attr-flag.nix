{ a = throw "not this"; b.c = [ 1 2 ]; }
