(derivation { name = "x"; system = "s"; builder = "/b"; conf = { a = 1; }; }).outPath
