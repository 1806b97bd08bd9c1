2 / true
