builtins.parseFlakeRef "path:a//b?x=1"
