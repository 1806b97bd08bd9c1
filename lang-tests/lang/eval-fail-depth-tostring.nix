let f = n: toString (f n); in f 0
