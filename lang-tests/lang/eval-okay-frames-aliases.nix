# A variable that only means another one of the same function: what refers to it when the call is over refers to that.
let
  inherit (builtins) add map seq deepSeq foldl' genList mapAttrs elemAt head;
  listed = x: let y = x; in [ y ];
  named = x: let y = x; in { inherit y; };
  inherited = x: let inherit x; in { inherit x; };
  chained = x: let y = x; z = y; in let w = z; in { inherit w; } // { inherit z; };
  function = x: let g = y: x + y; h = g; in [ h ];
  default = { a ? toString z, b ? a, z }: { q = b; };
  whole = { a ? 1, z }@args: let all = args; other = z; in [ all other ];
  inWith = set: x: with set; let y = x; in rec { q = y; w = q; };
  tail = x: let y = x; in if y == y then [ y ] else [ ];
  kept = x: let y = x; in [
    (genList (i: y) 2)
    (mapAttrs (n: v: y) { a = 1; })
    (foldl' (a: b: [ a ]) y [ 1 ])
    (builtins.tryEval y)
    (add y)
    ((a: b: [ a b ]) y)
  ];
  unpacked = l: [ (elemAt l 0) (elemAt l 1) (elemAt l 2) (elemAt l 3) (elemAt l 4 1) (elemAt l 5 2) ];
  late = f: let made = map (n: f (add n 100)) [ 1 2 3 ]; in seq (map (x: x) made) (let all = map (x: seq x 0) made; in deepSeq all made);
in [
  (late listed)
  (late named)
  (late inherited)
  (late chained)
  (map (l: head l 10) (late function))
  (late (z: default { inherit z; }))
  (late (z: whole { inherit z; }))
  (late (inWith { }))
  (late tail)
  (map unpacked (late kept))
]
