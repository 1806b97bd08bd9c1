{ inherit x builtins; t = true; }
