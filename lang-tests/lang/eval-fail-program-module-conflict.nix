let
  lib = {
    evalOption = name: type: defs:
      let bad = builtins.filter (d: !(type.check d.value)) defs; in
      if bad != [ ] then throw "A definition for option `${name}' is not of type `${type.name}'. Definition in ${(builtins.head bad).file}: ${builtins.toJSON (builtins.head bad).value}"
      else type.merge name (map (d: d.value) defs);
    int = { name = "int"; check = builtins.isInt; merge = n: vs: builtins.addErrorContext "while merging `${n}':" (if builtins.length vs > 1 then throw "conflicting definitions ${toString vs}" else builtins.head vs); };
  };
  config = builtins.mapAttrs (n: defs: builtins.addErrorContext "while evaluating the option `${n}':" (lib.evalOption n lib.int defs)) {
    port = [ { file = "a.nix"; value = 1; } { file = "b.nix"; value = 2; } ];
  };
in config.port
