# Strict folds over long lists, and a loop by tail calls.
let
  inherit (builtins) foldl' genList filter length;
  numbers = genList (i: i) 400000;
  mod = a: b: a - b * (a / b);
  loop = n: acc: if n == 0 then acc else builtins.seq acc (loop (n - 1) (acc + n));
in [
  (foldl' (a: b: a + b) 0 numbers)
  (foldl' (a: b: if b > a then b else a) 0 (map (x: mod (x * 7919) 10007) numbers))
  (length (filter (x: mod x 3 == 0) numbers))
  (foldl' (a: n: a + loop 900 n) 0 (genList (i: i) 100))
]
