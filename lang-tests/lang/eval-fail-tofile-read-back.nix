builtins.readFile (builtins.toFile "r" "round trip")
