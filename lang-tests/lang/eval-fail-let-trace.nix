let x = let y = let z = throw "z"; in z; in y; in x
