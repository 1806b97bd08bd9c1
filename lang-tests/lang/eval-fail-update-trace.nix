{ a = 1; } // (throw "right of update")
