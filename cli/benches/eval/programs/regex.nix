# Matching and splitting with POSIX extended expressions.
let
  inherit (builtins) match split genList filter isString length head elemAt concatStringsSep foldl';
  versions = genList (i: "package-name-${toString i}.${toString (i * 7)}.${toString (i * 3)}pre${toString i}") 9000;
  parse = s: match "([a-z-]+)-([0-9]+)\\.([0-9]+)\\.([0-9]+)(pre[0-9]+)?" s;
  text = concatStringsSep "\n" (genList (i: "key${toString i} = value ${toString i}; # comment") 6000);
  lines = filter isString (split "\n" text);
  fields = map (l: match "[[:space:]]*([^=[:space:]]+)[[:space:]]*=[[:space:]]*([^;]*);.*" l) lines;
in [
  (length (filter (m: m != null) (map parse versions)))
  (foldl' (a: m: a + builtins.stringLength (elemAt m 1)) 0 fields)
  (length (split "[ =;#]+" text))
  (length (filter (l: match ".*(99|value 1).*" l != null) lines))
]
