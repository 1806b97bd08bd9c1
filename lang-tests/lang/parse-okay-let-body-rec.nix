let a = { body = 1; }; in rec { inherit a; body = a.body; }
