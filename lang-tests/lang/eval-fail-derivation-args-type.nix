(derivation { name = "x"; system = "s"; builder = "/b"; args = [ { } ]; }).drvPath
