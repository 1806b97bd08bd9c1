builtins.genList (i: if i == 1 then throw "one" else i) 3
