builtins.flakeRefToString { type = "none"; revCount = "1"; }
