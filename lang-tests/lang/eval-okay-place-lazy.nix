let
  at = { here = 1; };
  seen = builtins.unsafeGetAttrPos "here" at;
in
[
  __curPos
  (builtins.unsafeGetAttrPos "here" at)
  (builtins.seq seen.line seen)
]
