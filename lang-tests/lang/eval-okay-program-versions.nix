let
  inherit (builtins) compareVersions splitVersion head tail elemAt length match filter sort concatMap;
  newer = a: b: compareVersions a b > 0;
  latest = vs: head (sort newer vs);
  satisfies = spec: v:
    let m = match "(>=|<=|>|<|=|\\^|~)?([0-9.]+)" spec; op = let o = elemAt m 0; in if o == null then "=" else o; want = elemAt m 1; c = compareVersions v want;
      parts = splitVersion want; bump = i: builtins.concatStringsSep "." (builtins.genList (k: if k == i then toString (builtins.fromJSON (elemAt parts k) + 1) else elemAt parts k) (i + 1));
    in if m == null then throw "bad spec ${spec}" else { ">=" = c >= 0; "<=" = c <= 0; ">" = c > 0; "<" = c < 0; "=" = c == 0; "^" = c >= 0 && compareVersions v (bump 0) < 0; "~" = c >= 0 && compareVersions v (bump 1) < 0; }.${op};
  all = specs: v: builtins.all (s: satisfies s v) (filter builtins.isString (builtins.split " " specs));
  versions = [ "1.0.0" "1.2.0" "1.2.9" "1.10.1" "2.0.0" "2.0.0pre" "0.9" ];
in {
  sorted = sort (a: b: compareVersions a b < 0) versions;
  latest = latest versions;
  resolve = map (spec: let c = filter (all spec) versions; in if c == [ ] then null else latest c) [ "^1.0.0" "~1.2.0" ">=1.2.0 <2" "=0.9" ">3" "<=1.0.0" ];
  bad = (builtins.tryEval (satisfies "!!" "1")).success;
}
