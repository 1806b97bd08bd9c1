builtins.replaceStrings [ "x" ] [ 1 ] "x"
