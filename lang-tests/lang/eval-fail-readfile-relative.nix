builtins.readFile "numbers.txt"
