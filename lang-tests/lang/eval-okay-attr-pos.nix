let s = { a = 1;
  b.c = 2;
  inherit (builtins) map; ${"d"} = 4; };
  at = n: builtins.removeAttrs (builtins.unsafeGetAttrPos n s) [ "file" ];
in [ (at "a") (at "b") (at "map") (at "d") (builtins.unsafeGetAttrPos "none" s) (builtins.unsafeGetAttrPos "c" s.b).line (builtins.unsafeGetAttrPos "x" (builtins.listToAttrs [ { name = "x"; value = 1; } ])) (builtins.unsafeGetAttrPos "a" (s // { b = 1; })).column ]
