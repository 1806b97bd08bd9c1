builtins.fetchTree "git+ssh:x#y"
