({ a ? throw "the default of a" }: a) { }
