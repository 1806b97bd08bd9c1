[ { type = "derivation"; } { type = "derivation"; outPath = "x"; } { __functor = 1; } { outPath = 1; } { _type = "x"; } ]
