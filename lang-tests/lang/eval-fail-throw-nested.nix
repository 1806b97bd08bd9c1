let a = throw "deep"; b = { c = a; }; f = x: x.c; in f b
