let
  keys = operator: startSet: map (e: e.key) (builtins.genericClosure { inherit operator startSet; });
  of = map (key: { inherit key; });
  next = f: e: of (f e.key);
in
[
  (keys (next (n: if n < 50 then [ (n + 1) (n * 2) n 7 ] else [ ])) (of [ 0 3 0 ]))
  (keys (next (t: if builtins.stringLength t < 3 then [ (t + "a") ("b" + t) t ] else [ ])) (of [ "" "x" "" ]))
  (keys (next (n: if n < 5 then [ (n + 1) (n + 1.0) 2.0 ] else [ ])) (of [ 1 1.5 ]))
  (keys (next (_: [ 3.5 3 ])) (of [ 1 2 3 ]))
  (keys (next (l: if builtins.length l < 3 then [ (l ++ [ 1 ]) ([ 2 ] ++ l) ] else [ ])) (of [ [ ] ]))
  (keys (next (p: [ /b /a ])) (of [ /a ]))
  (builtins.length (keys (next (n: if n < 20000 then [ (n + 1) ] else [ ])) (of [ 0 ])))
]
