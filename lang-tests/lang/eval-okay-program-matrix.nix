let
  inherit (builtins) genList elemAt length foldl' map head;
  rows = length; cols = m: length (head m); at = m: i: j: elemAt (elemAt m i) j;
  mk = r: c: f: genList (i: genList (j: f i j) c) r;
  mul = a: b: mk (rows a) (cols b) (i: j: foldl' (s: k: s + at a i k * at b k j) 0 (genList (k: k) (cols a)));
  transpose = m: mk (cols m) (rows m) (i: j: at m j i);
  id = n: mk n n (i: j: if i == j then 1 else 0);
  pow = m: n: if n == 0 then id (rows m) else let h = pow m (n / 2); sq = mul h h; in if n - 2 * (n / 2) == 1 then mul sq m else sq;
  minor = m: i: let skip = l: k: genList (x: elemAt l (if x < k then x else x + 1)) (length l - 1); in map (r: skip r i) (builtins.tail m);
  det = m: if rows m == 1 then at m 0 0 else foldl' (s: i: s + (if i - 2 * (i / 2) == 0 then 1 else -1) * at m 0 i * det (minor m i)) 0 (genList (i: i) (rows m));
  a = [ [ 1 2 ] [ 3 4 ] ]; b = [ [ 2 0 1 ] [ 1 3 2 ] [ 1 1 1 ] ];
in { product = mul a a; transpose = transpose b; fib = at (pow [ [ 1 1 ] [ 1 0 ] ] 60) 0 1; det = [ (det a) (det b) ]; float = mul [ [ 0.5 1 ] ] [ [ 2 ] [ 0.25 ] ]; }
