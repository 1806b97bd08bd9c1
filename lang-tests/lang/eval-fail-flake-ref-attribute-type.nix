builtins.flakeRefToString { a = [ ]; }
