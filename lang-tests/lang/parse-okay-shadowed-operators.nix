# A name that an operator stands for, bound in scope.
let __sub = a: b: 0; __mul = a: b: 0; __div = a: b: 0; __lessThan = a: b: 0; in [ (1 - 2) (1 * 2) (1 / 2) (1 < 2) (1 >= 2) (-1) ]
