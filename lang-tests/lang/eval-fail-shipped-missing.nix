import <nix/none>
