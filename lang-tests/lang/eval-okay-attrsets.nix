let s = { b = 2; a = 1; c = { d = 3; e.f = 4; }; }; in {
  select = [ s.a s.c.d s.c.e.f s."b" s.${"a"} (s.x or "none") (s.c.x.y or "none") (s.a.b or "not a set") ];
  has = [ (s ? a) (s ? x) (s ? c.d) (s ? c.x) (s ? a.b) (s ? "b") (s ? ${"c"}.d) (1 ? a) (null ? a.b) ];
  names = builtins.attrNames s;
  values = builtins.attrValues { z = 1; a = 2; m = 3; };
  update = s // { a = 10; z = 26; };
  updateShallow = s // { c = { d = 9; }; };
  get = builtins.getAttr "a" s;
  hasAttr = [ (builtins.hasAttr "a" s) (builtins.hasAttr "q" s) ];
  remove = builtins.removeAttrs s [ "a" "zz" "c" ];
  intersect = builtins.intersectAttrs { a = 0; c = 0; x = 0; } s;
  mapAttrs = builtins.mapAttrs (n: v: n + toString v) { x = 1; y = 2; };
  list = builtins.listToAttrs [ { name = "x"; value = 1; } { name = "y"; value = 2; } { name = "x"; value = 3; } ];
  zip = builtins.zipAttrsWith (n: vs: { inherit n vs; }) [ { a = 1; b = 2; } { b = 3; c = 4; } { } ];
  dynamic = { ${"a" + "b"} = 1; ${null} = throw "dropped"; "x${"y"}" = 2; };
  nested = { a.b.c = 1; a.b.d = 2; a.e = 3; };
  recs = rec { a = b + 1; b = 1; c = { inherit a; d = b; }; };
  inherits = let x = 1; y = { p = 2; q = 3; }; in { inherit x; inherit (y) p q; };
  functionArgs = [ (builtins.functionArgs ({ a, b ? 2 }: a)) (builtins.functionArgs (x: x)) (builtins.functionArgs ({ ... }: 1)) (builtins.functionArgs ({ z ? 1, y }@q: q)) ];
  quoted = { "a b" = 1; "1x" = 2; "" = 3; "if" = 4; "a.b" = 5; "or" = 6; "é" = 7; "a-b" = 8; "a'" = 9; "_" = 10; "-" = 11; "null" = 12; "inherit" = 13; "true" = 14; };
}
