(derivation { name = "x"; system = "s"; builder = "/b"; outputs = [ "a" "b" ]; outputHash = "900150983cd24fb0d6963f7d28e17f72"; outputHashAlgo = "md5"; }).a.outPath
