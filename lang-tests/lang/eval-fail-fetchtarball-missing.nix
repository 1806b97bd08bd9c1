builtins.fetchTarball "file:///nonexistent.tar.gz"
