# What a builtin is given, evaluated or not: a value that it keeps outlives the call that it was made in, one that it only
# looks at need not.
let
  inherit (builtins) elemAt seq deepSeq tryEval map mapAttrs genList zipAttrsWith groupBy partition foldl' sort filter elem head tail concatLists concatMap attrValues listToAttrs intersectAttrs removeAttrs catAttrs genericClosure functionArgs toJSON addErrorContext;
  busy = n: foldl' (a: i: let x = a + i; in x) 0 (genList (i: i + n) 50);
  later = f: seq (busy 3) f;
  returned = n: [
    (seq n (x: x + n))
    (deepSeq [ n ] (x: x * n))
    (addErrorContext "never seen" (x: x - n))
    (elemAt [ (x: x + n) ] 0)
    (head [ (x: [ x n ]) ])
    (tryEval (x: x + n)).value
    (foldl' (a: b: a) (x: x + n + 1) [ 1 2 ])
    (foldl' (a: b: y: a (b y)) (x: x + n) [ (x: x * 2) (x: x * n) ])
  ];
  kept = n: {
    mapped = map (x: y: [ x y n ]) [ n (n + 1) ];
    attrs = mapAttrs (name: x: y: [ name x y n ]) { a = n; };
    made = genList (i: y: [ i y n ]) 2;
    zipped = zipAttrsWith (name: xs: y: [ name xs y n ]) [ { a = n; } { a = n + 1; b = 0; } ];
    grouped = groupBy (x: if x > n then "more" else "less") [ 1 2 3 ];
    parted = partition (x: x > n) [ 1 2 3 ];
    named = listToAttrs [ { name = "f"; value = x: [ x n ]; } ];
    both = intersectAttrs { a = n; } { a = x: [ x n ]; b = 1; };
    rest = removeAttrs { a = x: [ x n ]; b = 1; } [ "b" ];
    cats = catAttrs "a" [ { a = x: [ x n ]; } { b = 1; } ];
    joined = concatLists [ [ (x: [ x n ]) ] [ ] ];
    flat = concatMap (x: [ (y: [ x y n ]) ]) [ 1 2 ];
    closure = genericClosure { startSet = [ { key = n; } ]; operator = item: if item.key < n + 2 then [ { key = item.key + 1; get = x: [ x n item.key ]; } ] else [ ]; };
  };
  suspended = a: b: let unused = abort "never"; in [
    (elem (a + b) [ 1 (b + a) ])
    (builtins.hasAttr "x${toString a}" { "x${toString b}" = unused; })
    (builtins.getAttr "x${toString a}" { "x${toString a}" = b; })
    (sort (x: y: x + a < y + a) [ b a ])
    (filter (x: x == a) [ a b ])
    (builtins.substring (a - a) (b - b + 2) "abc${toString a}")
    (builtins.concatStringsSep (toString a) [ (toString b) (toString (a + b)) ])
    (builtins.replaceStrings [ (toString a) ] [ (toString b) ] "${toString a}-${toString b}")
    (builtins.match "(.)${toString a}" "x${toString a}")
    (builtins.compareVersions "1.${toString a}" "1.${toString b}")
    (functionArgs ({ p, q ? a }: q))
    (toJSON { inherit a; list = [ b ]; })
    (builtins.all (x: x > a) (map (x: x + a) [ 1 b ]))
    (builtins.any (x: x > a) (map (x: x + a) [ 0 (b - b) ]))
  ];
  deep = n: x: if n == 0 then x else deep (n - 1) (if builtins.isList x then x else [ x ]);
  walk = pattern: value: if builtins.isAttrs pattern then builtins.all (n: builtins.hasAttr n value && walk pattern.${n} value.${n}) (builtins.attrNames pattern) else pattern == value;
in {
  returned = map (n: map (f: later (f 10)) (returned n)) [ 1 2 ];
  kept = map (n: let k = later (kept n); in [
    (map (f: f 5) k.mapped)
    (k.attrs.a 5)
    (map (f: f 5) k.made)
    (map (f: f 5) (attrValues k.zipped))
    k.grouped
    k.parted
    (k.named.f 5)
    (k.both.a 5)
    (k.rest.a 5)
    ((head k.cats) 5)
    ((head k.joined) 5)
    (map (f: f 5) k.flat)
    (map (item: (item.get or (x: x)) item.key) k.closure)
  ]) [ 1 2 ];
  suspended = [ (suspended 1 2) (suspended 3 3) ];
  deep = deep 20 "end";
  walk = map (walk { a = { b = 1; c.d = [ 1 ]; }; }) [ { a = { b = 1; c.d = [ 1 ]; e = 2; }; } { a = { b = 2; c.d = [ 1 ]; }; } { a.b = 1; } ];
}
