let
  s = rec { x = 1; "y" = 2; z.w = 3; };
  merged = s // { x = 5; };
  col = p: if p == null then null else [ p.line p.column ];
  pos = n: set: col (builtins.unsafeGetAttrPos n set);
in [ (pos "x" s) (pos "y" s) (pos "z" s) (pos "w" s.z) (pos "x" merged) (pos "y" merged) (pos "x" (builtins.mapAttrs (n: v: v) s)) (pos "x" (builtins.removeAttrs s [ "y" ])) (pos "x" (builtins.intersectAttrs { x = 1; } s)) (pos "a" (builtins.fromJSON "{\"a\":1}")) (pos "x" (let x = 1; in { inherit x; })) (pos "success" (builtins.tryEval 1)) ]
