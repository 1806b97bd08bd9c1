builtins.stringLength (builtins.readFile ./data/latin1.txt)
