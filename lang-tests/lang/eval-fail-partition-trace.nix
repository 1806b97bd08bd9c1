builtins.partition (x: throw "part") [ 1 ]
