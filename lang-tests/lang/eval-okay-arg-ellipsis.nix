{ x, ... }@args: { inherit x; names = builtins.attrNames args; }
