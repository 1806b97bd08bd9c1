{ "a b" = x: x; "in" = y: y; c = z: z; }
