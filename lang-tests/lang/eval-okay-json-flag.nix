{ a = [ 1 2.5 "x" null true ]; b.c = "é\n"; d = { outPath = "o"; }; e = { __toString = _: "ts"; }; }
