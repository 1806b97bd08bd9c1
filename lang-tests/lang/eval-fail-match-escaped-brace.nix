builtins.match "\\{\\}" "{}"
