builtins.elemAt [ 1 (builtins.elemAt [ (throw "inner list") ] 0) ] 1
