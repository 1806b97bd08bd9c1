builtins.flakeRefToString { type = "hg"; url = "x:y"; ref = ".a"; }
