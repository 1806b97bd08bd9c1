[ x map (builtins.length [ x x ]) ]
