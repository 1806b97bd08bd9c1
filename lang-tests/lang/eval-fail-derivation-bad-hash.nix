(derivation { name = "x"; system = "s"; builder = "/b"; outputHash = "zzz"; outputHashAlgo = "sha256"; }).outPath
