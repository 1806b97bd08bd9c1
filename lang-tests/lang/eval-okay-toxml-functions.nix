let x = 1; in builtins.toXML [ (a: a) ({ a }: a) ({ a ? x, b, ... }: a) (q@{ a }: a) ({ a, ... }@r: a) map (map (x: x)) { f = x: x; } ./data/numbers.txt ]
