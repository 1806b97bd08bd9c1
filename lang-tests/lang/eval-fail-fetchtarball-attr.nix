builtins.fetchTarball { urll = "http://x.example/"; }
