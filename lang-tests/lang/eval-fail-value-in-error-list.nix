"x" + (builtins.genList (i: i) 40)
