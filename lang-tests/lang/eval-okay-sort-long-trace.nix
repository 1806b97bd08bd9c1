builtins.length (builtins.sort (a: b: builtins.trace "${toString a}<${toString b}" (a < b)) (builtins.genList (i: (i * 17) - ((i * 17) / 23) * 23) 40))
