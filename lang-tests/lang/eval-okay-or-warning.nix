let or = 1; f = x: y: x; in f 5 or
