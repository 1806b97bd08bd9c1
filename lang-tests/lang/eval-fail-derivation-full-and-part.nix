# What is a source already is not taken for one that lies in the store with all that it needs.
let
  a = derivation { name = "a"; builder = "b"; system = "x"; };
in
(derivation {
  name = "b";
  builder = "b";
  system = "x";
  part = builtins.unsafeDiscardOutputDependency a.drvPath;
  full = a.drvPath;
}).drvPath
