{ ${builtins.toFile "n" "x"} = 1; }
