[ (import <shared.nix>) (import <only-b.nix>) (builtins.length builtins.nixPath) (map (x: x.prefix) builtins.nixPath) (import <lib.nix>).name ]
