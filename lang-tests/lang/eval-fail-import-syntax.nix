import ./dir-a/broken.nix
