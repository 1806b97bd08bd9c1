let { a = 1; body = a; inherit (x) y; x = { y = 2; }; }
