let
  zero = f: x: x; succ = n: f: x: f (n f x); plus = m: n: f: x: m f (n f x); times = m: n: f: m (n f); power = m: n: n m;
  int = n: n (x: x + 1) 0; church = n: if n == 0 then zero else succ (church (n - 1));
  t = a: b: a; f = a: b: b; pair = a: b: s: s a b; fst = p: p t; snd = p: p f;
  pred = n: fst (n (p: pair (snd p) (succ (snd p))) (pair zero zero));
  Y = f: (x: x x) (x: f (y: x x y));
  fact = Y (self: n: if n == 0 then 1 else n * self (n - 1));
in [ (int (plus (church 3) (church 4))) (int (times (church 3) (church 4))) (int (power (church 2) (church 5))) (int (pred (church 9))) (fact 10) ]
