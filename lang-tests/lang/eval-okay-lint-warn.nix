[ http://x.example/y /x/y (builtins.typeOf a/b) ]
