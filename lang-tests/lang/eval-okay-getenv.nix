[ (builtins.getEnv "TEST_VAR") (builtins.getEnv "HOME") (builtins.getEnv "SURELY_NOT_SET_ANYWHERE") ]
