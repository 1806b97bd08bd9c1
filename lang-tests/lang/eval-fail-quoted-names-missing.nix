# Names that are no identifiers are quoted in errors and traces.
{ "a b" = { "if" = { }; }; }."a b"."if"."c d\"".x
