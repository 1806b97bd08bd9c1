{ b = builtins.trace "b" 1; a = builtins.trace "a" { d = builtins.trace "d" 1; c = builtins.trace "c" 2; }; }
