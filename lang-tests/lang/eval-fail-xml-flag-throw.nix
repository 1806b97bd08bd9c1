{ a = 1; b = throw "late"; }
