# Sum types by attribute sets: option, result, and a small pipeline of fallible steps.
let
  some = v: { tag = "some"; inherit v; }; none = { tag = "none"; };
  cases = t: h: h.${t.tag} (t.v or null);
  ok = v: { tag = "ok"; inherit v; }; err = v: { tag = "err"; inherit v; };
  andThen = f: r: cases r { ok = f; err = err; };
  mapOk = f: andThen (v: ok (f v));
  toOption = r: cases r { ok = some; err = _: none; };
  unwrapOr = d: o: cases o { some = v: v; none = _: d; };
  parseInt = s: if builtins.match "-?[0-9]+" s == null then err "not a number: ${s}" else ok (builtins.fromJSON s);
  inRange = lo: hi: n: if n < lo || n > hi then err "${toString n} not in ${toString lo}..${toString hi}" else ok n;
  port = s: builtins.foldl' (r: f: andThen f r) (ok s) [ parseInt (inRange 1 65535) (n: ok { port = n; privileged = n < 1024; }) ];
  traverse = f: xs: builtins.foldl' (acc: x: andThen (l: mapOk (v: l ++ [ v ]) (f x)) acc) (ok [ ]) xs;
in {
  ports = map port [ "80" "8080" "0" "x" "70000" "-5" ];
  good = traverse parseInt [ "1" "2" ]; bad = traverse parseInt [ "1" "b" "c" ];
  defaults = map (s: unwrapOr (-1) (toOption (parseInt s))) [ "5" "q" ];
}
