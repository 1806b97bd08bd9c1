builtins.parseFlakeRef "/a?revCount=-1"
