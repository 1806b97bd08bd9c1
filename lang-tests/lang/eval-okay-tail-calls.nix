# Loops that must not use up the stack.
let
  count = n: if n == 0 then "done" else count (n - 1);
  even = n: if n == 0 then true else odd (n - 1); odd = n: if n == 0 then false else even (n - 1);
in [ (count 5000) (even 3001) ]
