assert builtins.all (x: x < 3 && x != 2 || (let y = x; in y) == 0) [ 1 2 ] -> true; assert builtins.all (x: x < 3 && x != 2 || (let y = x; in y) == 0) [ 1 2 ]; 1
