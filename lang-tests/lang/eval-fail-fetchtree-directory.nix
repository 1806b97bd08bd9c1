builtins.fetchTree "path:/a?dir=b"
