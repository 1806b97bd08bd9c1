builtins.concatStringsSep "," [ "a" (throw "b") ]
