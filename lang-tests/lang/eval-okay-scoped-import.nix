let s = builtins.scopedImport; in [ (s { x = 1; } ./dir-a/free.nix) (s { import = p: "no import of ${baseNameOf p}"; } ./dir-a/imports.nix) (s { builtins = { }; x = 2; } ./dir-a/scoped.nix) ]
