{ }.${builtins.toFile "n" "x"}
