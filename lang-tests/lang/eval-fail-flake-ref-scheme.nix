builtins.flakeRefToString { type = "x"; b = true; c = 1; }
