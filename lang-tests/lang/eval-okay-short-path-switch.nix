[ (baseNameOf dir-a/fn.nix) ]
