builtins.trace "seen before" (throw "and after")
