builtins.findFile [ { prefix = "a"; path = ./data; } ] "b/c"
