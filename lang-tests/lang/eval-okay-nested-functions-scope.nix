let x = 1; f = x: y: let z = x + y; x' = z * 2; in { inherit x x' y; g = x: x + z; }; r = f 10 20; in [ x r.x r.x' (r.g 5) ]
