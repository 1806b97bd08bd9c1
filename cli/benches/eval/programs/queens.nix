# Backtracking over lists.
let
  inherit (builtins) concatMap filter genList head tail length;
  range = n: genList (i: i) n;
  safe = q: d: qs: qs == [ ] || (let h = head qs; in h != q && h != q + d && h != q - d && safe q (d + 1) (tail qs));
  place = n: k: if k == 0 then [ [ ] ] else concatMap (qs: map (q: [ q ] ++ qs) (filter (q: safe q 1 qs) (range n))) (place n (k - 1));
in length (place 9 9)
