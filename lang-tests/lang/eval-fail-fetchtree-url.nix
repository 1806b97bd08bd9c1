builtins.fetchTree "http://x/%"
