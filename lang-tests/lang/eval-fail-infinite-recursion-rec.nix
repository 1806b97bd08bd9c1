rec { a = b; b = c; c = a; }.a
