let file = "file://${toString ./eval-okay-fetchurl-file.flags}";
in [ (builtins.fetchurl file) (builtins.fetchurl { url = file; name = "other"; }) (builtins.hasContext (builtins.fetchurl file)) ]
