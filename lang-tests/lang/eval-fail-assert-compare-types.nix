assert { a = "x"; } == { a = 1; }; 1
