builtins.flakeRefToString { type = "path"; dir = 1; }
