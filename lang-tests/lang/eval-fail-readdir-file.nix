builtins.readDir ./data/numbers.txt
