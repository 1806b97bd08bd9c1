let
  ret = v: s: { inherit v s; };
  bind = m: f: s: let r = m s; in f r.v r.s;
  get = s: { v = s; inherit s; }; put = s: _: { v = null; inherit s; };
  mapM = f: xs: if xs == [ ] then ret [ ] else bind (f (builtins.head xs)) (v: bind (mapM f (builtins.tail xs)) (vs: ret ([ v ] ++ vs)));
  fresh = bind get (n: bind (put (n + 1)) (_: ret n));
  label = t: if t ? leaf then bind fresh (n: ret { leaf = "${t.leaf}${toString n}"; }) else bind (label t.l) (l: bind (label t.r) (r: ret { inherit l r; }));
  lcg = s: let n = s * 1103515245 + 12345; m = n - (n / 2147483648) * 2147483648; in { v = m / 65536; s = m; };
in {
  tree = (label { l = { leaf = "a"; }; r = { l = { leaf = "b"; }; r = { leaf = "c"; }; }; } 0).v;
  random = (mapM (_: lcg) (builtins.genList (i: i) 6) 42).v;
}
