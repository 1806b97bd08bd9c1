builtins.foldl' (a: b: throw "fold at ${toString b}") 0 [ 1 ]
