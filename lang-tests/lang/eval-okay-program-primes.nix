let
  # A lazy sieve over an infinite stream.
  from = n: { head = n; tail = from (n + 1); };
  keep = p: s: if p s.head then { inherit (s) head; tail = keep p s.tail; } else keep p s.tail;
  mod = a: b: a - b * (a / b);
  sieve = s: { inherit (s) head; tail = sieve (keep (n: mod n s.head != 0) s.tail); };
  take = n: s: if n == 0 then [ ] else [ s.head ] ++ take (n - 1) s.tail;
  factor = n: let go = d: m: if m == 1 then [ ] else if d * d > m then [ m ] else if mod m d == 0 then [ d ] ++ go d (m / d) else go (d + 1) m; in go 2 n;
  gcd = a: b: if b == 0 then a else gcd b (mod a b);
  fibs = let go = a: b: { head = a; tail = go b (a + b); }; in go 0 1;
in { primes = take 20 (sieve (from 2)); factors = map factor [ 1 2 97 360 1001 65536 ]; gcd = gcd 1071 462; fibs = take 15 fibs; }
