builtins.flakeRefToString { type = "file"; url = "file://u@x/y"; }
