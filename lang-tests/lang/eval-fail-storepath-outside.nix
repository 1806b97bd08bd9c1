builtins.storePath "/tmp/elsewhere"
