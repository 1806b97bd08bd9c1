# Behind a string a path is what lies there; behind a set that is a string it is its name.
let
  set = { outPath = "q"; };
in
[
  (set + /nowhere)
  ({ outPath = /nowhere; } + "q")
  (set + { outPath = /nowhere; })
  ({ __toString = self: "x"; } + /nowhere/../there)
]
