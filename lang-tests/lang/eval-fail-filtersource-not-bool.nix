builtins.filterSource (n: t: 1) ./tree
