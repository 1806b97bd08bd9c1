let f = x: y: z: throw "inner of three"; g = f 1; h = g 2; in h 3
