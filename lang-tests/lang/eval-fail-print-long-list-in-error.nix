1 + [ (builtins.genList (i: i) 40) ]
