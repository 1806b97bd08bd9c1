builtins.split "a{2" "x"
