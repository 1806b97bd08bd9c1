/a + "${builtins.toFile "x" "1"}"
