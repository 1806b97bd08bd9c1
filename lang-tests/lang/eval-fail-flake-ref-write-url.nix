builtins.flakeRefToString { type = "tarball"; url = "http://x y/"; }
