builtins.warn "careful" (builtins.warn "twice\nover" 3)
