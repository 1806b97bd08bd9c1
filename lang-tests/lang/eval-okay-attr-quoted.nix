{ "a.b".c = "dotted"; }
