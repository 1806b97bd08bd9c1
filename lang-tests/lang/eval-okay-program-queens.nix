let
  range = n: builtins.genList (i: i) n;
  safe = q: qs: let go = d: l: l == [ ] || (let h = builtins.head l; in h != q && h != q + d && h != q - d && go (d + 1) (builtins.tail l)); in go 1 qs;
  queens = n: let place = k: if k == 0 then [ [ ] ] else builtins.concatMap (qs: map (q: [ q ] ++ qs) (builtins.filter (q: safe q qs) (range n))) (place (k - 1)); in place n;
in [ (builtins.length (queens 6)) (builtins.head (queens 6)) (map (n: builtins.length (queens n)) (range 6)) ]
