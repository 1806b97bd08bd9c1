[ (import ./fn.nix) ]
