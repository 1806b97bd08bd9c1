builtins.parseFlakeRef "path://u@x:080/a"
