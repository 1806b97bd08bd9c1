let
  # Longest common subsequence by a lazy table.
  lcs = a: b: let
      inherit (builtins) substring stringLength genList elemAt;
      n = stringLength a; m = stringLength b;
      table = genList (i: genList (j: if i == 0 || j == 0 then "" else let x = substring (i - 1) 1 a; in if x == substring (j - 1) 1 b then elemAt (elemAt table (i - 1)) (j - 1) + x else longer (elemAt (elemAt table (i - 1)) j) (elemAt (elemAt table i) (j - 1))) (m + 1)) (n + 1);
      longer = p: q: if stringLength p >= stringLength q then p else q;
    in elemAt (elemAt table n) m;
  distance = a: b: let
      inherit (builtins) substring stringLength genList elemAt; min = x: y: if x < y then x else y;
      t = genList (i: genList (j: if i == 0 then j else if j == 0 then i else min (min (at (i - 1) j + 1) (at i (j - 1) + 1)) (at (i - 1) (j - 1) + (if substring (i - 1) 1 a == substring (j - 1) 1 b then 0 else 1))) (stringLength b + 1)) (stringLength a + 1);
      at = i: j: elemAt (elemAt t i) j;
    in at (stringLength a) (stringLength b);
  collatz = n: let go = k: acc: if k == 1 then acc else go (if k - 2 * (k / 2) == 0 then k / 2 else 3 * k + 1) (acc + 1); in go n 0;
in [ (lcs "AGGTABQ" "GXTXAYBQ") (distance "kitten" "sitting") (distance "" "abc") (map collatz [ 1 7 27 97 ]) ]
