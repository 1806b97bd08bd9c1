let d = derivation { name = "multi"; system = "x86_64-linux"; builder = "/b"; outputs = [ "out" "dev" "doc" ]; }; first = derivation { name = "m2"; system = "s"; builder = "/b"; outputs = [ "lib" "out" ]; }; in {
  paths = [ d.outPath d.dev.outPath d.doc.outPath d.out.outPath ];
  drv = d.drvPath;
  names = [ d.outputName d.dev.outputName ];
  first = [ first.outputName first.outPath first.out.outPath first.drvPath ];
  self = d.dev.doc.out.outPath == d.outPath;
  all = map (x: x.outPath) d.all;
}
