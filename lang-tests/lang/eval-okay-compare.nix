let pairs = [ [ 1 2 ] [ "a" "b" ] [ "a" "ab" ] [ "B" "a" ] [ [ 1 2 ] [ 1 3 ] ] [ [ ] [ 1 ] ] [ [ 1 "a" ] [ 1 "b" ] ] [ ./a ./b ] [ 1.5 2 ] [ "" "a" ] [ [ [ 1 ] ] [ [ 1 ] ] ] [ "é" "z" ] ];
  on = p: let a = builtins.elemAt p 0; b = builtins.elemAt p 1; in [ (a < b) (a <= b) (a > b) (a >= b) (builtins.lessThan a b) ];
in map on pairs
