let
  dep = derivation { name = "dep"; system = "s"; builder = "/b"; };
  d = derivation { name = "structured"; system = "x86_64-linux"; builder = "/b"; __structuredAttrs = true; list = [ 1 [ 2 ] { a = "x"; } ]; set = { b = true; n = null; f = 1.5; d = dep; }; nothing = null; text = "line\n\"q\""; outputs = [ "out" "bin" ]; };
in [ d.drvPath d.outPath d.bin.outPath ]
