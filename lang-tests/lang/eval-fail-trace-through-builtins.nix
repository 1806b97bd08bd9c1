map (x: builtins.foldl' (a: b: a + b) 0 [ x "y" ]) [ 1 2 ]
