let t = n: v: builtins.trace n v; in [
  (t "l1" 1 + t "r1" 2) (t "l2" [ ] ++ t "r2" [ ]) (t "l3" { } // t "r3" { }) (t "l4" 1 == t "r4" 2) (t "l5" 1 < t "r5" 2) (t "l6" 1 > t "r6" 2)
  (t "l7" true && t "r7" false) (t "l8" 3 - t "r8" 2) (t "l9" 3 * t "r9" 2) "${t "i1" "a"}${t "i2" "b"}" ((t "f" (x: x)) (t "arg" 1)) (t "s" { a = 1; }).${t "n" "a"} ((t "hs" { a = 1; }) ? ${t "hn" "a"}) { ${t "dn" "z"} = 1; }
  (if t "c" true then t "then" 1 else t "else" 2) (builtins.elemAt (t "list" [ 1 2 ]) (t "index" 1)) (builtins.substring (t "s1" 0) (t "s2" 1) (t "s3" "abc")) (builtins.replaceStrings (t "from" [ "a" ]) (t "to" [ "b" ]) (t "str" "a"))
  (builtins.foldl' (t "op" (a: b: a + b)) (t "nul" 0) (t "xs" [ 1 2 ])) (map (t "mf" (x: x)) (t "mx" [ 1 ])) (builtins.filter (t "ff" (x: true)) (t "fx" [ 1 ])) (t "a" [ 1 2 ] == t "b" [ 1 2 ]) ([ (t "e1" 1) (t "e2" 2) ] == [ (t "e3" 1) (t "e4" 3) ]) ({ a = t "v1" 1; b = t "v2" 2; } == { a = t "v3" 1; b = t "v4" 2; })
  (builtins.concatStringsSep (t "sep" ",") (t "strs" [ (t "x" "x") (t "y" "y") ])) (builtins.intersectAttrs (t "ia" { a = 1; }) (t "ib" { a = 2; })) (builtins.compareVersions (t "cv1" "1") (t "cv2" "2")) (builtins.getAttr (t "ga" "a") (t "gs" { a = 1; })) (builtins.mapAttrs (t "maf" (n: v: v)) (t "mas" { q = t "maq" 1; }))
]
