builtins.flakeRefToString { a = -1; }
