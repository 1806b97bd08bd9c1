# `//` with few names on the left of many, in turns with many on the left of few.
let
  range = from: to: builtins.genList (i: from + i) (to - from);
  named = i: value: { "k${toString i}" = value; };
  under = builtins.foldl' (set: i: named i "new${toString i}" // set) { } (range 0 300 ++ range 250 350);
  over = builtins.foldl' (set: i: set // named i "new${toString i}") { } (range 0 300 ++ range 250 350);
  both = builtins.foldl' (
    set: i: named i "first" // (set // { "l${toString i}" = i; k7 = i; }) // named (i * 2) "last"
  ) under (range 100 400);
  few = { k1 = "left"; k2 = throw "never"; other = throw "lazy"; z = 1; };
  all = few // under;
in
[
  (under == over)
  (builtins.length (builtins.attrNames under))
  (builtins.attrNames all == builtins.sort builtins.lessThan (builtins.attrNames all))
  all.k1 all.k2 all.z (all ? other) (builtins.tryEval all.other).success
  (builtins.unsafeGetAttrPos "z" all).line
  (under // few).k1
  (removeAttrs all [ "other" ] // { k3 = 0; }).k3
  (builtins.hashString "sha256" (builtins.toJSON both))
  both.k7 both.k200 both.k399 both.l399 (both.k800 or "none") both.k798
  (builtins.length (builtins.attrValues (few // both // few)))
]
