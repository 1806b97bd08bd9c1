builtins.trace { a = { b = { c = { d = { }; }; }; }; l = [ [ [ [ ] ] ] ]; } (builtins.trace [ { } [ ] { a = [ ]; } ] 1)
