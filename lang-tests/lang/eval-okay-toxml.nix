builtins.toXML [ 1 { a = "x"; b = [ true null 1.5 ]; } ({ q, w ? 2 }: q) (x: x) ]
