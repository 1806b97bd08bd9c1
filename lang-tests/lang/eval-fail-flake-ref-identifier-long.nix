builtins.parseFlakeRef "flake:a/b/c/d"
