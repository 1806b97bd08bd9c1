builtins.tryEval (builtins.head (builtins.filter (x: x == 1) [ 2 ]))
