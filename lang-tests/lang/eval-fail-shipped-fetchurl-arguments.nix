import <nix/fetchurl.nix> { hash = ""; }
