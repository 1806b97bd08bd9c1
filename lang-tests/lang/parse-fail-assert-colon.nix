assert true: 1
