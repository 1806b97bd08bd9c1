builtins.path { path = ./data; nmae = "x"; }
