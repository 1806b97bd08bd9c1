# Hindley-Milner in small: infers types of a lambda calculus.
let
  inherit (builtins) attrNames concatStringsSep elem filter foldl' isAttrs hasAttr;
  var = n: { v = n; }; arrow = a: b: { f = a; t = b; }; int = { c = "int"; }; bool = { c = "bool"; };
  apply = s: t: if t ? v then (if s ? ${t.v} then apply s s.${t.v} else t) else if t ? f then arrow (apply s t.f) (apply s t.t) else t;
  occurs = n: t: if t ? v then t.v == n else if t ? f then occurs n t.f || occurs n t.t else false;
  unify = s: a': b': let a = apply s a'; b = apply s b'; in
    if a == b then s else if a ? v then (if occurs a.v b then throw "infinite type" else s // { ${a.v} = b; }) else if b ? v then unify s b a
    else if a ? f && b ? f then unify (unify s a.f b.f) a.t b.t else throw "cannot unify ${show a} with ${show b}";
  show = t: t.v or t.c or "(${show t.f} -> ${show t.t})";
  # State: n is the next name, s the substitution.
  infer = env: e: st:
    if e ? lit then { t = if builtins.isInt e.lit then int else bool; inherit st; }
    else if e ? name then { t = env.${e.name} or (throw "unbound ${e.name}"); inherit st; }
    else if e ? lam then let a = var "t${toString st.n}"; r = infer (env // { ${e.lam} = a; }) e.body (st // { n = st.n + 1; }); in { t = arrow a r.t; inherit (r) st; }
    else if e ? cond then let c = infer env e.cond st; y = infer env e.yes (c.st // { s = unify c.st.s c.t bool; }); n = infer env e.no y.st; in { inherit (y) t; st = n.st // { s = unify n.st.s y.t n.t; }; }
    else let f = infer env e.fn st; x = infer env e.arg f.st; r = var "t${toString x.st.n}"; in { t = r; st = { n = x.st.n + 1; s = unify x.st.s f.t (arrow x.t r); }; };
  prim = { add = arrow int (arrow int int); less = arrow int (arrow int bool); };
  typeOf = e: let r = infer prim e { n = 0; s = { }; }; in show (apply r.st.s r.t);
  L = x: b: { lam = x; body = b; }; A = f: x: { fn = f; arg = x; }; V = n: { name = n; }; K = v: { lit = v; };
  safe = e: let r = builtins.tryEval (typeOf e); in if r.success then r.value else "error";
in map safe [ (L "x" (V "x")) (A (L "x" (V "x")) (K 1)) (L "f" (L "x" (A (V "f") (A (V "f") (V "x"))))) (L "x" (A (A (V "add") (V "x")) (K 1))) (A (V "add") (K true)) (L "x" (A (V "x") (V "x"))) (L "a" { cond = A (A (V "less") (V "a")) (K 3); yes = K 1; no = V "a"; }) (V "q") (L "f" (L "g" (L "x" (A (V "f") (A (V "g") (V "x")))))) ]
