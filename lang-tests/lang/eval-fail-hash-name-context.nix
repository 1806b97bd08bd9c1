builtins.hashString (builtins.toFile "n" "x") "a"
