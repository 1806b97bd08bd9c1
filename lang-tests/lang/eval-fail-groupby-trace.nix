builtins.groupBy (x: throw "group ${toString x}") [ 1 ]
