# Text with dependencies: contexts survive every step of a templating pipeline.
let
  tool = derivation { name = "tool"; system = "s"; builder = "/b"; outputs = [ "bin" "lib" ]; };
  conf = builtins.toFile "conf" "a=1";
  render = vars: text: builtins.replaceStrings (map (n: "@${n}@") (builtins.attrNames vars)) (map toString (builtins.attrValues vars)) text;
  script = render { tool = "${tool}/bin/tool"; conf = conf; n = 3; } "exec @tool@ -c @conf@ -n @n@ @other@";
  lines = builtins.concatStringsSep "\n" (map (i: "${toString i}: ${script}") [ 1 2 ]);
  final = derivation { name = "script"; system = "s"; builder = "/b"; text = lines; };
in { inherit script; context = builtins.getContext lines; out = final.outPath; parts = map (x: if builtins.isString x then builtins.hasContext x else null) (builtins.split " " script); }
