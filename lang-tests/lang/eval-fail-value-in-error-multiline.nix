builtins.length { script = "first\nsecond\nthird"; list = [ 1 [ 2 { x = null; } ] ]; }
