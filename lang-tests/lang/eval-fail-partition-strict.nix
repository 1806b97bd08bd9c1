builtins.length (builtins.partition (x: true) [ (throw "a") ]).right
