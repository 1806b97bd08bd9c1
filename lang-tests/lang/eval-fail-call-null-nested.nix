let f = x: null; in f 1 2
