let base = { a = 1; }; in ((base // 5) // { c = 3; }) // { d = 4; }
