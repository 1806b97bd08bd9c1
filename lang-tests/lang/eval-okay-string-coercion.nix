let
  d = { outPath = "/out"; name = "n"; };
  s = { __toString = self: "S-${self.n}"; n = "x"; };
  nested = { __toString = self: { outPath = "deep"; }; };
  set = { outPath = s; };
in [
  "${d}" "${s}" "${set}" "${nested}" (toString d) (toString s) ("a" + d) ("a" + s)
  (toString 1) (toString (-3)) (toString 1.5) (toString true) (toString false) (toString null) (toString "x") (toString [ 1 2 [ 3 4 ] "x" true false null 1.5 ]) (toString [ ]) (toString [ [ ] [ ] ]) (toString [ "a" [ ] "b" ]) (toString /a/b) (toString [ s d ])
  (builtins.concatStringsSep " " [ s d "x" ]) (builtins.stringLength d) (builtins.substring 0 3 s) (baseNameOf d) (dirOf "${d}/x")
]
