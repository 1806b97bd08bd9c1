builtins.parseFlakeRef "git+http://x/y#a%20b"
