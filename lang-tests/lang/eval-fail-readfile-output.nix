builtins.readFile "${derivation { name = "d"; system = "s"; builder = "/b"; }}/file"
