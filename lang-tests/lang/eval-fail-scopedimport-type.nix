builtins.scopedImport 1 ./dir-a/lib.nix
