builtins.fromJSON (builtins.readFile ./data/latin1.txt)
