rec { name = "lib"; double = x: x * 2; other = import ./fn.nix { x = double 2; }; }
