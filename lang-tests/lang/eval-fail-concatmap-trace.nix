builtins.concatMap (x: throw "concat") [ 1 ]
