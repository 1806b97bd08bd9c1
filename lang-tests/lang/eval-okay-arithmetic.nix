[
  (1 + 2) (7 - 10) (3 * 4) (7 / 2) (-7 / 2) (7 / -2) (-(-3))
  (1 + 2.5) (1.5 - 1) (2 * 0.25) (7 / 2.0) (1.0 / 3) (0.1 + 0.2)
  (2 + 3 * 4 - 10 / 5) ((2 + 3) * 4) (10 - 3 - 2) (100 / 10 / 5)
  (9223372036854775807 + 0) (-9223372036854775807 - 1)
  (builtins.add 1 2) (builtins.sub 1 2) (builtins.mul 3 2) (builtins.div 9 2)
  (builtins.add 1.5 2) (builtins.div 1 4.0) (builtins.mul 1.5 1.5)
  (builtins.bitAnd 12 10) (builtins.bitOr 12 10) (builtins.bitXor 12 10) (builtins.bitAnd (-1) 255) (builtins.bitXor (-1) 0)
]
