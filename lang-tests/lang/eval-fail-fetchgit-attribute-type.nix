builtins.fetchGit { url = "x"; foo = { }; }
