builtins.fetchurl { url = "x"; sha256 = "x"; }
