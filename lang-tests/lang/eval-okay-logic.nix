[
  (true && false) (true || false) (!true) (true -> false) (false -> throw "no") (true || throw "no") (false && throw "no")
  (false -> false) (true && true -> true) (false || false && true) (if true then 1 else throw "no") (if false then throw "no" else 2)
]
