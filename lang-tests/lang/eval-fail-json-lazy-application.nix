[ (builtins.genList (index: index * index) 3) ]
