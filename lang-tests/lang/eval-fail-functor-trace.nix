let f = { __functor = self: x: x + self.n; n = "text"; }; in f 1
