1 + builtins.substring
