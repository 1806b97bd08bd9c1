# What stands for an output that nobody knows yet needs a feature of its own.
(derivation { name = "dice"; system = "any"; builder = "roll"; __impure = true; }).outPath
