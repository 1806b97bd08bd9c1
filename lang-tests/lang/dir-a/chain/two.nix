{ base }: { two = base; up = import ../fn.nix { x = base; }; here = baseNameOf (toString ./.); }
