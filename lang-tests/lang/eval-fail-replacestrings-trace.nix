builtins.replaceStrings [ "a" ] [ (throw "replacement") ] "cat"
