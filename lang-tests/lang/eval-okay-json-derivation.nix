{ d = derivation { name = "x"; system = "s"; builder = "/b"; }; p = ./data/numbers.txt; }
