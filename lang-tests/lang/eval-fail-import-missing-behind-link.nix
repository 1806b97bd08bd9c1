import ./links/ways/nowhere.nix
