builtins.flakeRefToString { type = "git"; url = "http://x"; lfs = 1; }
