let f = { a ? b, b ? c, c ? throw "default reached" }: a; in f { }
