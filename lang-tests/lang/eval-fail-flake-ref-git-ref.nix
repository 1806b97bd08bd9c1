builtins.parseFlakeRef "git+http://x?ref=-a"
