builtins.attrNames { b = 1; a = 1; Z = 1; "1" = 1; "é" = 1; _ = 1; aa = 1; "a-b" = 1; "a_b" = 1; "" = 1; A = 1; }
