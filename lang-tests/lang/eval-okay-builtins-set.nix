[ (builtins ? builtins) (builtins.builtins ? map) (builtins.attrNames builtins) ]
