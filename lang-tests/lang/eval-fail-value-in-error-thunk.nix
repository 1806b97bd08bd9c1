builtins.length { a = 1 + 1; b = throw "unseen"; c = x: x; d = map; e = [ (1 + 2) ]; }
