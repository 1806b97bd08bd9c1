builtins.flakeRefToString { type = "tarball"; url = "x:y"; narHash = "sha256:0000000000000000000000000000000000000000000000000000"; }
