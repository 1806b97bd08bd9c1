builtins.readFile ./links/round
