builtins.warn "becomes an error" 1
