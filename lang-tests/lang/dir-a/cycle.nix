1 + import ./cycle.nix
