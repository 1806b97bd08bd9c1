builtins.fetchTree "http://x:65536"
