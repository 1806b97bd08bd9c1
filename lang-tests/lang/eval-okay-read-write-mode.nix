# What was added to the store can be read where the store may be written.
let
  text = builtins.toFile "text" "{ a = [ 1 2 ]; }";
  tree = builtins.path {
    name = "tree";
    path = ./read-write-mode;
    filter = path: type: baseNameOf path != "left-out" && baseNameOf path != "run";
  };
  again = builtins.path { name = "again"; path = tree; };
  flat = builtins.path { name = "flat"; path = text; recursive = false; };
  file = "${./read-write-mode/below/file}";
  derivation' = derivation { name = "d"; system = "s"; builder = text; };
  again' = path: builtins.path { name = "t"; path = builtins.path { name = "f"; inherit path; recursive = false; }; };
  parts = path: builtins.attrNames (builtins.readDir path);
in {
  imported = import text;
  exists = map builtins.pathExists [ text tree (tree + "/left-out") (tree + "/below/file") (text + "/x") (flat + "/x") ];
  entries = [ (parts tree) (parts "${tree}/below") (parts again) (parts (again + "/below")) ];
  contents = map builtins.readFile [ flat file (tree + "/below/file") (again + "/below/file") ];
  types = map builtins.readFileType [ text tree ];
  derivation = builtins.match "Derive.*builder.*" (builtins.readFile derivation'.drvPath) != null;
  flat-is-plain = again' ./read-write-mode/run == again' ./read-write-mode/below/file;
  joined = builtins.readFile "${./read-write-mode}/below/file";
}
