{ squares = map (n: n * n) [ 1 2 ]; }
