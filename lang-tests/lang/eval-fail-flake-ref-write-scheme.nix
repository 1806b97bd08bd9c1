builtins.flakeRefToString { type = "hg"; url = "x"; }
