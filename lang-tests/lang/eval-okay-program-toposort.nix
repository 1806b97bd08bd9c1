let
  inherit (builtins) attrNames filter elem concatMap foldl' length head tail sort listToAttrs mapAttrs genericClosure all;
  graph = { app = [ "http" "log" "db" ]; http = [ "tls" "log" ]; tls = [ "crypto" ]; db = [ "log" "crypto" ]; log = [ ]; crypto = [ ]; lonely = [ ]; };
  subtract = a: b: filter (x: !(elem x a)) b;
  kahn = g: let
      go = done: rest: if rest == [ ] then { result = done; } else
        let ready = filter (n: all (d: elem d done) g.${n}) rest; in
        if ready == [ ] then { cycle = rest; } else go (done ++ ready) (subtract ready rest);
    in go [ ] (attrNames g);
  dfs = g: let visit = st: n: if elem n st.seen then st else let st' = foldl' visit { seen = st.seen ++ [ n ]; inherit (st) out; } g.${n}; in { inherit (st') seen; out = st'.out ++ [ n ]; }; in (foldl' visit { seen = [ ]; out = [ ]; } (attrNames g)).out;
  reachable = g: n: map (x: x.key) (genericClosure { startSet = [ { key = n; } ]; operator = { key }: map (d: { key = d; }) g.${key}; });
  reverseGraph = g: mapAttrs (n: _: filter (m: elem n g.${m}) (attrNames g)) g;
  levels = g: let lv = mapAttrs (n: ds: if ds == [ ] then 0 else 1 + foldl' (a: d: if lv.${d} > a then lv.${d} else a) 0 ds) g; in lv;
in {
  kahn = kahn graph; dfs = dfs graph; app = reachable graph "app"; users = reachable (reverseGraph graph) "crypto"; levels = levels graph;
  byLevel = builtins.groupBy (n: toString (levels graph).${n}) (attrNames graph);
  cyclic = kahn (graph // { log = [ "app" ]; });
}
