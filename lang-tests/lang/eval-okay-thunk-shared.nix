let x = builtins.trace "once" 1; f = y: builtins.trace "each" y; in [ x x (f 1) (f 1) (let g = f 2; in g + g) ]
