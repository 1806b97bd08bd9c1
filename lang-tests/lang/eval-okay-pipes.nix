let inc = x: x + 1; double = x: x * 2; in [ (1 |> inc |> double) (double <| inc <| 1) ([ 3 1 2 ] |> builtins.sort builtins.lessThan |> map inc) (1 + 1 |> double) ("a" |> (x: x + "b")) ]
