# Sets of many names: building, mapping, merging, taking apart.
let
  inherit (builtins) listToAttrs genList mapAttrs attrNames attrValues foldl' removeAttrs intersectAttrs length groupBy zipAttrsWith catAttrs concatMap;
  pairs = n: genList (i: { name = "key-${toString i}"; value = i; }) n;
  big = listToAttrs (pairs 100000);
  doubled = mapAttrs (n: v: v * 2) big;
  some = listToAttrs (pairs 30000);
  groups = groupBy (v: toString (v - 100 * (v / 100))) (attrValues some);
  small = genList (i: { a = i; b = i + 1; "c${toString (i - 50 * (i / 50))}" = i; }) 20000;
  records = map (r: r // { sum = r.a + r.b; }) small;
in [
  (foldl' (a: n: a + doubled.${n}) 0 (attrNames big))
  (length (attrNames (big // some // { x = 1; })))
  (length (attrNames (removeAttrs big (attrNames some))))
  (foldl' (a: v: a + v) 0 (attrValues (intersectAttrs some doubled)))
  (length (attrNames groups))
  (length (attrNames (zipAttrsWith (n: vs: length vs) small)))
  (foldl' (a: r: a + r.sum) 0 records)
  (foldl' (a: r: if r ? c7 then a + 1 else a) 0 records)
]
