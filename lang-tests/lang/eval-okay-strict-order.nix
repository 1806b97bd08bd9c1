# Names are visited in their order, not in that of the source.
{ b = builtins.trace "b" 1; a = builtins.trace "a" { d = builtins.trace "d" 1; c = builtins.trace "c" 2; }; l = [ (builtins.trace "l0" 1) (builtins.trace "l1" 2) ]; }
