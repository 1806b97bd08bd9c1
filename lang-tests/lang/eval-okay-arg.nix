{ x, y, z ? x * 10 }: { inherit x y z; }
