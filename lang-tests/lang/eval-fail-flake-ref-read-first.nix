builtins.parseFlakeRef "a b"
