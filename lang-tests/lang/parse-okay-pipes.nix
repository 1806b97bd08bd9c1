a: f: g: [ (a |> f |> g) (g <| f <| a) (a + 1 |> f) (a -> a |> f) (f <| a -> a) ]
