let s = { a = 1; b = s2; }; s2 = { c = 2; }; in rec { inherit (s) a b; inherit (b) c; d = { inherit (s2) c; inherit a; }; }
