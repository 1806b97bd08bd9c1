builtins.fetchGit { url = "github:a/b"; }
