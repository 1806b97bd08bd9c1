let check = x: assert x > 0; x; in check (check (-1))
