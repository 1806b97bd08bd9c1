{ base }: import ./two.nix { base = base + 1; } // { one = base; }
