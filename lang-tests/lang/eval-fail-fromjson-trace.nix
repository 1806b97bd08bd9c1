builtins.fromJSON (throw "no text")
