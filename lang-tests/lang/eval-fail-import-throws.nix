(import ./dir-a/throws.nix).x 1
