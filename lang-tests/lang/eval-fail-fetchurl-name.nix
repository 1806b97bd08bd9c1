builtins.fetchurl { url = "file:///x/a b"; }
