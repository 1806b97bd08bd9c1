builtins.appendContext "x" { "foo bar" = { }; }
