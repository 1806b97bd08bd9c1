builtins.filterSource (n: t: throw "refused ${baseNameOf n}") ./tree
