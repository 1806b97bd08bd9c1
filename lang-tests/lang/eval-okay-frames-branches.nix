# The branches of a condition share room for what only one of them needs; what comes after both has room of its own.
let
  lists = c: p: q: (if c then with p; [ v ] else [ ]) ++ (with q; [ v ]);
  nested = c: d: p: q: r: (if c then with p; (if d then with q; [ v w ] else [ v ]) else with r; [ v ]) ++ (with q; with r; [ v w ]);
  sources = x: s: t: let l = [ (if x then { inherit (s) v; } else 0) { inherit (t) v; } ]; in builtins.seq (builtins.head l) l;
  inWith = x: with { a = if x == 1 then (with { a = 99; d = x; }; d) else 2; }; [ a a a ];
  lacking = x: with { a = if x == 1 then (with { d = x; }; d) else 2; }; [ a a ];
  lets = c: x: (if c then let y = x + 1; z = [ y ]; in z else let y = x + 2; in [ y y ]) ++ (let y = x + 3; w = y; in [ w y ]);
  chain = a: b: (if a then with { v = 1; }; [ v ] else if b then with { v = 2; }; with { u = 3; }; [ u v ] else [ ]) ++ (with { v = 4; }; [ v ]) ++ (with { u = 5; }; [ u ]);
in builtins.deepSeq 1 [
  (lists true { v = 1; } { v = 2; })
  (lists false { v = 1; } { v = 2; })
  (nested true true { v = 1; w = 2; } { v = 3; w = 4; } { v = 5; })
  (nested true false { v = 1; w = 2; } { v = 3; w = 4; } { v = 5; })
  (nested false false { v = 1; w = 2; } { v = 3; w = 4; } { v = 5; })
  (sources true { v = 1; } { v = 2; })
  (inWith 1) (inWith 2) (lacking 1)
  (lets true 1) (lets false 1)
  (chain true false) (chain false true) (chain false false)
]
