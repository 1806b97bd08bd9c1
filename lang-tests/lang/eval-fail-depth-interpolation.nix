let f = n: "${toString n}" + f (n + 1); in f 0
