builtins.getFlake "a b"
