builtins.fetchGit { url = "x"; type = "git"; }
