{
  read = builtins.readFile ./data/numbers.txt;
  dir = builtins.readDir ./tree;
  types = map builtins.readFileType [ ./data ./data/numbers.txt ./data/link ];
  exists = map builtins.pathExists [ ./data ./data/none ./data/numbers.txt ./data/link ./data/dangling ];
  existsString = [ (builtins.pathExists (toString ./data)) (builtins.pathExists (toString ./data + "/")) (builtins.pathExists (toString ./data/numbers.txt + "/")) (builtins.pathExists (toString ./data + "/.")) ];
  hash = builtins.hashFile "sha256" ./data/numbers.txt;
  lines = builtins.filter builtins.isString (builtins.split "\n" (builtins.readFile ./data/numbers.txt));
}
