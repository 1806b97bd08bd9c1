[ ] ++ builtins.substring 1
