builtins.parseFlakeRef "path:/a?foo=bar"
