let
  inherit (builtins) substring stringLength foldl' attrNames concatMap genList;
  empty = { end = false; kids = { }; };
  insert = t: w: if w == "" then t // { end = true; } else let c = substring 0 1 w; in t // { kids = t.kids // { ${c} = insert (t.kids.${c} or empty) (substring 1 (-1) w); }; };
  words = p: t: (if t.end then [ p ] else [ ]) ++ concatMap (c: words (p + c) t.kids.${c}) (attrNames t.kids);
  find = t: w: if w == "" then t else let c = substring 0 1 w; in if t.kids ? ${c} then find t.kids.${c} (substring 1 (-1) w) else empty;
  t = foldl' insert empty [ "nix" "nixos" "nixpkgs" "build" "builder" "é" "" ];
in { all = words "" t; nix = words "nix" (find t "nix"); none = words "q" (find t "q"); has = map (w: (find t w).end) [ "nix" "ni" "build" "" ]; }
