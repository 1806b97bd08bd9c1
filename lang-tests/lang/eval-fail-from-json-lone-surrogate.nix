builtins.fromJSON "\"\\ud834\""
