1 + (derivation { name = "n"; system = "s"; builder = "b"; x = throw "y"; }).all
