let
  inherit (builtins) fromJSON toJSON mapAttrs attrNames attrValues isAttrs isList concatLists listToAttrs filter foldl' concatStringsSep readFile genList length elemAt;
  doc = fromJSON (readFile ./data/people.json);
  flatten = prefix: v: if isAttrs v then concatLists (map (n: flatten (prefix ++ [ n ]) v.${n}) (attrNames v)) else if isList v then concatLists (genList (i: flatten (prefix ++ [ (toString i) ]) (elemAt v i)) (length v)) else [ { name = concatStringsSep "." prefix; value = v; } ];
  mapLeaves = f: v: if isAttrs v then mapAttrs (_: mapLeaves f) v else if isList v then map (mapLeaves f) v else f v;
  pick = names: s: listToAttrs (map (n: { name = n; value = s.${n} or null; }) names);
  index = by: xs: listToAttrs (map (x: { name = x.${by}; value = x; }) xs);
  sum = foldl' (a: b: a + b) 0;
  deepMerge = a: b: if isAttrs a && isAttrs b then a // mapAttrs (n: v: if a ? ${n} then deepMerge a.${n} v else v) b else b;
in {
  flat = listToAttrs (flatten [ ] doc);
  names = map (p: p.name) (filter (p: p.age or 0 > 30) doc.people);
  ages = sum (map (p: p.age or 0) doc.people);
  picked = map (pick [ "name" "email" ]) doc.people;
  byId = attrNames (index "id" doc.people);
  json = toJSON (mapLeaves (v: if builtins.isString v then "<${v}>" else v) doc.people);
  merged = deepMerge doc { meta.version = 2; meta.extra = [ ]; people = "gone"; };
  grouped = mapAttrs (_: map (p: p.id)) (builtins.groupBy (p: toString (p.team or "none")) doc.people);
}
