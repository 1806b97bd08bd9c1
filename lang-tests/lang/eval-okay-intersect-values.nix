[ (builtins.intersectAttrs { a = throw "left"; b = 1; } { a = "right"; c = 2; }) (builtins.intersectAttrs { } { a = 1; }) (builtins.intersectAttrs { a = 1; } { }) ]
