(derivation { name = "thrower"; system = "s"; builder = "/b"; dep = throw "in the environment"; }).drvPath
