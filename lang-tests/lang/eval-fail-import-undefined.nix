import ./dir-a/undefined.nix
