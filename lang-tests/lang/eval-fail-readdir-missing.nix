builtins.readDir ./missing
