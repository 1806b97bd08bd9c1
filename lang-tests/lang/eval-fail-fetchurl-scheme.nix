builtins.fetchurl "x"
