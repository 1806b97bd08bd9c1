(derivation { name = "x"; builder = "/b"; }).outPath
