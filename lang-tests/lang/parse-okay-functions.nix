[
  (x: x)
  (_: 1)
  ({ }: 1)
  ({ a }: a)
  ({ a, b ? 1 }: a + b)
  ({ a, ... }: a)
  ({ ... }: 1)
  ({ b, a, c ? a, ... }@all: all)
  (all@{ a, b ? { x = 1; } }: all)
  ({ a, b, }: a)
  (x: y: z: x y z)
]
