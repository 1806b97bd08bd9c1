builtins.toJSON { a.b = [ (throw "inside json") ]; }
