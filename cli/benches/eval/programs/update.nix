# A set that grows by one name at a time, 20,000 times.
let
  inherit (builtins) foldl' genList attrNames length;
  grown = foldl' (set: i: set // { "name${toString i}" = i; }) { } (genList (i: i) 20000);
in [ (length (attrNames grown)) grown.name19999 grown.name0 (grown ? name777) ]
