[ (builtins.sort (a: b: true) [ 1 2 3 4 ]) (builtins.sort (a: b: false) [ 4 3 2 1 ]) (builtins.sort (a: b: a <= b) [ 2 1 2 1 ]) (builtins.sort builtins.lessThan [ ]) ]
