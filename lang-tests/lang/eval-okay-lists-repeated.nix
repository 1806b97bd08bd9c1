# Which lists are one and the same, as «repeated» shows it: a list is that of the first value that holds it.
let
  id = x: x;
  small = [ 1 ];
  large = [ 1 2 3 4 5 ];
  function = x: [ x ];
  parted = builtins.partition (x: x > 1) [ 1 2 3 ];
  grouped = builtins.groupBy (x: if x > 1 then "a" else "b") [ 1 2 3 ];
  caught = builtins.tryEval [ 7 ];
  json = builtins.fromJSON ''{ "a": [ 1, [ 2 ] ], "b": [ [ ] ] }'';
  folded = builtins.foldl' (a: x: if x == 1 then [ 5 ] else { p = a; q = a; r = id a; s = [ a ]; }) [ 0 ] [ 1 2 ];
  loop = [ 1 loop ];
  looped = let y = [ 1 y ]; in y;
  called = n: let y = [ n y ]; in id y;
  zipped = builtins.zipAttrsWith (name: values: { inherit values; same = values; copy = id values; }) [ { a = 1; } { a = 2; } ];
in [
  small small (id small) (id small)
  large large (id large)
  (function 1) (function 1)
  (let x = function 2; in [ x x (id x) ])
  parted parted.wrong parted.right [ parted.right ]
  grouped.a grouped grouped.b
  caught caught.value [ caught.value ]
  json.a json (builtins.elemAt json.a 1) json.b
  folded
  loop looped (called 1)
  zipped
  (map id [ small small ]) (map (x: x) [ large ])
  (let r = large ++ large ++ large ++ large; a = (g: r) 1; in builtins.seq r (builtins.seq a [ r a r a ]))
  (small ++ [ ]) ([ ] ++ large) (let j = large ++ small; in [ j j (id j) ])
  (builtins.filter (x: true) large) (builtins.concatLists [ large ]) (builtins.concatMap (x: x) [ small ])
  (builtins.tail large) (let t = builtins.tail large; in [ t t ])
  (if true then small else 1) (with { a = small; }; a) (assert true; small)
  (builtins.sort (a: b: a < b) small) (builtins.attrNames { a = 1; }) (builtins.attrNames { a = 1; })
  (let n = builtins.attrNames { a = 1; b = 2; }; in [ n n ])
  (builtins.head [ small ]) (builtins.elemAt [ large large ] 1)
  (builtins.genList (i: small) 2) (builtins.seq 1 small) (builtins.deepSeq 1 large)
  ({ a, b ? a }: [ a b ] ) { a = [ 9 ]; }
  (builtins.match "(.)(.)" "ab") (builtins.split "b" "abc") (let m = builtins.match "(.)" "a"; in [ m m ])
]
