# The builtin 'derivation', written in the language itself on 'derivationStrict'. Places in it appear in traces of
# errors, so what the code says on which line is part of the agreement with Nix.

/**
  Makes a derivation.

  The result is a set; building is somebody else's business.

  # Inputs

  A set with at least `name`, `system` and `builder`. All its attributes
  become environment variables of the builder, except `args`, the
  builder's arguments.

  # Output

  The same set with paths added:

  - `outPath`, the store path of the first output, and `drvPath`, the path
    of the derivation itself;
  - `outputName`, the name of the output that the set stands for;
  - one attribute for each of `outputs`, and `all` of them as a list;
  - `type`, which is "derivation", and `drvAttrs`, the set as it was given.

  # Laziness

  Nothing is computed before one of the paths is wanted.

*/
drvAttrs@{
  outputs ? [ "out" ],
  ...
}:

let

  strict = derivationStrict drvAttrs;

  commonAttrs =
    drvAttrs
    // (builtins.listToAttrs outputsList)
    // {
      all = map (x: x.value) outputsList;
      inherit drvAttrs;
    };

  outputToAttrListElement = outputName: {
    name = outputName;
    value = commonAttrs // {
      outPath = builtins.getAttr outputName strict;
      drvPath = strict.drvPath;
      type = "derivation";
      inherit outputName;
    };
  };

  outputsList = map outputToAttrListElement outputs;

in
(builtins.head outputsList).value
