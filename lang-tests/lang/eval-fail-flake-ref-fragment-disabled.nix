builtins.parseFlakeRef "/a b#x"
