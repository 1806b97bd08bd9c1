builtins.foldl' (sum: { weight }: sum + weight) 0 [ { weight = 1; } { weight = 2; unit = "kg"; } ]
