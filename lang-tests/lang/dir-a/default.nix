{ this = "dir-a default"; lib = (import ./lib.nix).name; }
