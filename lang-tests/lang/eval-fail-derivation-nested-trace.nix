(derivation { name = "top"; system = "s"; builder = "/b"; dep = derivation { name = "dep"; system = "s"; builder = "/b"; bad = { }; }; }).drvPath
