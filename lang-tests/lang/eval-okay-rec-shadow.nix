let a = "outer"; in rec { a = "inner"; b = a; c = let a = "let"; in a; d = with { a = "with"; }; a; e = (a: a) "arg"; }
