builtins.splitVersion (builtins.toFile "f-1.0" "x")
