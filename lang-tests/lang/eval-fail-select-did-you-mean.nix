{ lenght = 1; width = 2; length2 = 3; }.length
