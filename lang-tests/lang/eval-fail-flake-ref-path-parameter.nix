builtins.parseFlakeRef "/a//b/?x=y z#f"
