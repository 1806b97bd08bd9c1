(import ./dir-a/chain/one.nix) { base = 1; }
