builtins.scopedImport { x = throw "scoped"; } ./dir-a/free.nix
