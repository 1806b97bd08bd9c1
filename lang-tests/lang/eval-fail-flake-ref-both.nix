builtins.flakeRefToString { type = "github"; owner = "a"; repo = "b"; ref = "x"; rev = "0123456789012345678901234567890123456789"; }
