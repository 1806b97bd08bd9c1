(builtins.mapAttrs (n: v: throw "attr ${n}") { k = 1; }).k
