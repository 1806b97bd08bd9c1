toString [ 1 [ (throw "in nested list") ] ]
