let deep = builtins.foldl' (a: _: [ a ]) [ ] (builtins.genList (i: i) 200); depth = l: if l == [ ] then 0 else 1 + depth (builtins.head l); in depth deep
