let
  t = builtins.fromTOML (builtins.readFile ./data/sample.toml);
in { name = t.package.name; deps = builtins.attrNames t.dependencies; features = t.features.default; bins = map (b: b.name) t.bin; all = t; }
