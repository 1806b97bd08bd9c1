let or = 1; in { a = f: f { x = 1; } or null; b = [ (x: x) or ]; }
