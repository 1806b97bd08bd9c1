# Only the operator that the failing operand is of shows, not those around it.
let base = { a = 1; }; in base // { b = 2; } // (throw "third") // { d = 4; }
