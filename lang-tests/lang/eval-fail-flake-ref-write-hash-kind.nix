builtins.flakeRefToString { type = "tarball"; url = "x:y"; narHash = "md5-AAAAAAAAAAAAAAAAAAAAAA=="; }
