builtins.fetchTree "http://x?a b"
