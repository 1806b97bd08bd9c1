builtins.filter (x: throw "filter ${x}") [ "a" ]
