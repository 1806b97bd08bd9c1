let fod = args: derivation ({ name = "src.tar.gz"; system = "x86_64-linux"; builder = "/fetch"; } // args);
  flat = fod { outputHash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; outputHashAlgo = "sha256"; };
  sri = fod { outputHash = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="; };
  rec' = fod { outputHash = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
  sha1 = fod { outputHash = "a9993e364706816aba3e25717850c26c9cd0d89d"; outputHashAlgo = "sha1"; outputHashMode = "flat"; };
  md5 = fod { outputHash = "900150983cd24fb0d6963f7d28e17f72"; outputHashAlgo = "md5"; };
  user = x: (derivation { name = "user"; system = "x86_64-linux"; builder = "/b"; src = x; }).outPath;
in map (d: [ d.drvPath d.outPath ]) [ flat sri rec' sha1 md5 ] ++ [ (user flat) (user (fod { builder = "/other"; outputHash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; outputHashAlgo = "sha256"; })) ]
