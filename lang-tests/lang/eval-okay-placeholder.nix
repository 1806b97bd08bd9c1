map builtins.placeholder [ "out" "dev" "" "anything at all" ]
