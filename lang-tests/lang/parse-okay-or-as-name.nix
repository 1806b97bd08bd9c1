{ or = 1; } // { inherit ({ or = 2; }) or; } // (x: x.or) // (x: x.a.or or 3)
