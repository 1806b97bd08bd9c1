[ (toString ./. == toString (dirOf ./x)) (baseNameOf ./.) (./. + "/data" == ./data) (builtins.pathExists (./. + "/data/numbers.txt")) (./data/../data == ./data) ]
