(builtins.zipAttrsWith (n: vs: throw "zip ${n}") [ { a = 1; } ]).a
