builtins.fetchGit /nonexistent
