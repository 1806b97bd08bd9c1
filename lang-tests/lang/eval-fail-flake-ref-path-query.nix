builtins.parseFlakeRef "/a?rev=a^b"
