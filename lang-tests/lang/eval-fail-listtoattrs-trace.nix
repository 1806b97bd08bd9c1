(builtins.listToAttrs [ { name = "a"; value = throw "the value"; } ]).a
