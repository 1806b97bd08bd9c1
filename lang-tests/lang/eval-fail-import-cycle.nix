import ./dir-a/cycle.nix
