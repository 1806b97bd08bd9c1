builtins.parseFlakeRef "git+http://x?verifyCommit=0"
