builtins.trace "first" (builtins.trace { a = 1; b = [ 1 2 (1 + 2) ]; } (builtins.trace (x: x) (builtins.trace 1 (builtins.trace "multi\nline" "done"))))
