builtins.fetchClosure { a = 1; }
