let __lessThan = 1; in 2 < 3
