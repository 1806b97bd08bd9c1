builtins.parseFlakeRef "https://x:0/"
