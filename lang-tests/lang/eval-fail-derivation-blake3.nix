(derivation { name = "b3"; system = "any"; builder = "b"; outputHashAlgo = "blake3"; outputHash = "00"; }).outPath
