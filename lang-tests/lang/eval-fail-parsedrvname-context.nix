builtins.parseDrvName (builtins.toFile "f-1.0" "x")
