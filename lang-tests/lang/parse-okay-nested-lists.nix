[ [ ] [ [ 1 ] ] (map (x: x) [ ]) { y = 1; }.y (-1) { } rec { } (x: x) let { body = 1; } ]
