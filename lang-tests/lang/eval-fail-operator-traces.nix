!(1 < (throw "left" + 1))
