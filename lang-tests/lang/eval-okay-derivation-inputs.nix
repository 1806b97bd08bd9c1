let
  src = builtins.toFile "script.sh" "echo made\n";
  dep = derivation { name = "dep"; system = "x86_64-linux"; builder = src; outputs = [ "out" "dev" ]; };
  top = derivation {
    name = "top"; system = "x86_64-linux"; builder = "${dep}/bin/run"; args = [ src dep.dev "--flag" ];
    list = [ 1 2 "x" true false null dep ]; num = 5; yes = true; no = false; nothing = null; path = ./data/numbers.txt; float = 1.5; nested = [ [ "a" ] [ "b" [ "c" ] ] ];
  };
in [ top.drvPath top.outPath dep.drvPath dep.dev.outPath src (builtins.getContext "${top} ${dep.dev}") ]
