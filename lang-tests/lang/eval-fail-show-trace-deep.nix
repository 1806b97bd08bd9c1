let go = n: if n == 0 then throw "bottom" else 1 + go (n - 1); in go 4
