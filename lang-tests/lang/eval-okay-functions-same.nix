# Inside of lists and sets a function is equal to itself, under whatever name; one that was selected is another.
let
  f = x: x;
  g = f;
  set = { inherit f; };
  pair = a: b: [ a ] == [ b ];
in
[
  (pair f g)
  ({ h = f; } == { h = g; })
  ([ set.f ] == [ set.f ])
  ({ inherit (set) f; } == set)
  ({ inherit f; } == set)
  (builtins.elem f [ g ])
  (builtins.elem set.f [ f ])
  (map (n: f) [ 1 ] == [ f ])
  (f == g)
  (pair (y: y) f)
  (let twice = [ f f ]; in builtins.elemAt twice 0 == builtins.elemAt twice 1)
  (set == set)
]
