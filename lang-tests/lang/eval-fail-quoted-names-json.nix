builtins.toJSON { "a b" = { "1c" = x: x; }; }
