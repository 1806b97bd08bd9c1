{ alpha1 = 1; alpha2 = 2; alpha3 = 3; alpha4 = 4; alpha5 = 5; }.alpha
