builtins.length { a = { b = { c = { d = { e = { f = { g = 1; }; }; }; }; }; }; }
