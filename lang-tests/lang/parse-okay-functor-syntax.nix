{ __functor = self: x: self.n + x; n = 1; } 2
