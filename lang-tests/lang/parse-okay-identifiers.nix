let _ = 1; a' = 2; a-b = 3; _a = 4; a_b' = 5; A-Z0-9 = 6; true' = 7; ifx = 8; in [ _ a' a-b _a a_b' A-Z0-9 true' ifx ]
