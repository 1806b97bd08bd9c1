builtins.match "[[:nope:]]" "x"
