FROM missing:1
