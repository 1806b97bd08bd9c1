let
  a = 1;
  s = { a = 2; b = 3; c = { d = 4; }; };
in {
  lexicalWins = with s; a;
  dynamic = with s; b;
  nested = with s; with c; [ a b d ];
  innerWins = with { b = 1; }; with { b = 2; }; b;
  outerIsAsked = with { x = 1; }; with { y = 2; }; x + y;
  lazySet = with throw "never"; a;
  inLambda = (x: with x; [ a q ]) { q = 5; };
  builtinsNames = with { map = 1; true = 2; }; [ (builtins.isFunction map) true ];
  letInside = with s; let b = 9; in b;
  recInside = with s; rec { z = b; b = 7; };
  function = with { f = x: x + 1; }; f 1;
}
