let d = derivation { name = "hello-1.0"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo hi > $out" ]; }; in {
  inherit (d) name system builder type outputName args drvPath outPath;
  all = map (o: o.outputName) d.all;
  attrs = builtins.attrNames d;
  string = "${d}";
  eq = d == d.out;
  drvAttrs = builtins.attrNames d.drvAttrs;
}
