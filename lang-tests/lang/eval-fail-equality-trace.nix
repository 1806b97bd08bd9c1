{ a = [ 1 { b = throw "while comparing"; } ]; } == { a = [ 1 { b = 2; } ]; }
