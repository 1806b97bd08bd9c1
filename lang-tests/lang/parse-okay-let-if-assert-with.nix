let
  a = 1;
  b.c = 2;
in
with { x = 1; };
assert a == 1;
if a == x then let in b else assert true; with b; c
