let a = builtins.toFile "a.txt" "plain\n"; b = builtins.toFile "b.txt" "refers to ${a}"; in [ a b (builtins.getContext b) (builtins.toFile "empty" "") ]
