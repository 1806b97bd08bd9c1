[ (1 |> (x: x + 1)) builtins.nixPath ]
