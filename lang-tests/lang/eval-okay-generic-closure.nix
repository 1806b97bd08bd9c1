let
  close = startSet: operator: map (x: x.key) (builtins.genericClosure { inherit startSet operator; });
in [
  (close [ { key = 1; } ] (x: if x.key < 20 then [ { key = x.key * 2; } { key = x.key * 3; } ] else [ ]))
  (close [ { key = "a"; } { key = "b"; } { key = "a"; } ] (x: [ ]))
  (close [ ] (throw "never"))
  (close [ { key = [ 1 2 ]; } ] (x: if builtins.length x.key < 4 then [ { key = x.key ++ [ 0 ]; } ] else [ ]))
  (close [ { key = 1; } { key = 1.0; } ] (x: [ ]))
  (close [ { key = ./a; } ] (x: [ { key = ./b; } ]))
]
