[ (import <x/only-b.nix>) (import <shared.nix>) (map (e: e.prefix) builtins.nixPath) (baseNameOf <x>) ]
