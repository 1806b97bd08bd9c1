builtins.fetchurl { url = "file:///x"; name = "a b"; }
