builtins.flakeRefToString { type = "path"; path = "a"; ref = "b"; }
