builtins.parseFlakeRef "git+http:x"
