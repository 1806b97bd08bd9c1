let
  bomb = throw "forced";
  inf = { n = 0; next = inf; };
  nat = n: { head = n; tail = nat (n + 1); };
  take = n: s: if n == 0 then [ ] else [ s.head ] ++ take (n - 1) s.tail;
  knot = rec { a = [ 1 b ]; b = builtins.length a; };
in [
  (let unused = bomb; in 1)
  ((x: 2) bomb)
  (({ a, b ? bomb }: a) { a = 3; })
  ({ a = bomb; b = 4; }).b
  (builtins.length [ bomb bomb ])
  (builtins.attrNames { x = bomb; })
  (builtins.elemAt [ bomb 7 ] 1)
  (builtins.head (map (x: x) [ 8 bomb ]))
  (inf.next.next.next.n)
  (take 5 (nat 10))
  knot
  (builtins.isFunction (x: bomb))
  (builtins.typeOf [ bomb ])
  ((builtins.mapAttrs (n: v: bomb) { a = 1; b = 2; }) ? a)
  (builtins.length (builtins.genList (x: bomb) 3))
  (({ x = bomb; } // { x = 5; }).x)
  (builtins.length (builtins.attrValues { a = bomb; }))
  (builtins.seq [ bomb ] 6)
  (builtins.tryEval (builtins.deepSeq [ bomb ] 6)).success
  (if true || bomb then 9 else bomb)
]
