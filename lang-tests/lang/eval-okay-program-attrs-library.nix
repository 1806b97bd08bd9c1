let
  inherit (builtins) attrNames attrValues listToAttrs mapAttrs isAttrs foldl' concatMap head tail filter elemAt length intersectAttrs removeAttrs zipAttrsWith catAttrs;
  nameValuePair = name: value: { inherit name value; };
  attrByPath = path: default: set: if path == [ ] then set else if set ? ${head path} then attrByPath (tail path) default set.${head path} else default;
  setAttrByPath = path: value: if path == [ ] then value else { ${head path} = setAttrByPath (tail path) value; };
  filterAttrs = p: s: removeAttrs s (filter (n: !(p n s.${n})) (attrNames s));
  mapAttrs' = f: s: listToAttrs (map (n: f n s.${n}) (attrNames s));
  recursiveUpdate = a: b: zipAttrsWith (n: vs: if length vs == 1 then head vs else if isAttrs (elemAt vs 0) && isAttrs (elemAt vs 1) then recursiveUpdate (elemAt vs 0) (elemAt vs 1) else elemAt vs 1) [ a b ];
  mapAttrsRecursiveCond = cond: f: let go = path: mapAttrs (n: v: if isAttrs v && cond v then go (path ++ [ n ]) v else f (path ++ [ n ]) v); in go [ ];
  collect = p: s: if p s then [ s ] else if isAttrs s then concatMap (collect p) (attrValues s) else [ ];
  genAttrs = names: f: listToAttrs (map (n: nameValuePair n (f n)) names);
  foldAttrs = op: nul: list: mapAttrs (n: vs: foldl' (a: v: op v a) nul vs) (zipAttrsWith (n: vs: vs) list);
  cartesian = sets: foldl' (acc: n: concatMap (s: map (v: s // { ${n} = v; }) sets.${n}) acc) [ { } ] (attrNames sets);
  updateMany = foldl' (s: u: recursiveUpdate s (setAttrByPath u.path (u.update (attrByPath u.path null s))));
  s = { a.b.c = 1; a.d = 2; e = { }; f = [ 1 ]; };
in {
  byPath = [ (attrByPath [ "a" "b" "c" ] 0 s) (attrByPath [ "a" "x" ] "default" s) (attrByPath [ ] 0 1) ];
  set = setAttrByPath [ "x" "y" "z" ] 1; filtered = filterAttrs (n: v: isAttrs v) s; renamed = mapAttrs' (n: v: nameValuePair "new-${n}" (builtins.typeOf v)) s;
  updated = recursiveUpdate s { a.b.c = 10; a.b.n = 11; e = 5; g = null; }; leaves = mapAttrsRecursiveCond (v: !(v ? stop)) (p: v: builtins.concatStringsSep "/" p) (s // { q.stop.x = 1; });
  collected = collect (x: x ? c || builtins.isList x) s; gen = genAttrs [ "x" "y" ] (n: n + n); folded = foldAttrs (n: a: [ n ] ++ a) [ ] [ { a = 1; b = 2; } { a = 3; } ];
  cartesian = cartesian { os = [ "linux" "darwin" ]; arch = [ "x" "a" ]; }; many = updateMany { n = 1; } [ { path = [ "n" ]; update = x: x + 1; } { path = [ "m" "k" ]; update = x: [ x ]; } ];
}
