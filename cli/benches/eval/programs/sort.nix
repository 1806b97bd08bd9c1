# Sorting numbers, text and records, with the builtin order and with functions.
let
  inherit (builtins) sort genList lessThan elemAt head length;
  mod = a: b: a - b * (a / b);
  scattered = n: genList (i: mod (i * 7919 + 13) 100003) n;
  numbers = scattered 80000;
  words = map (n: "w${toString n}") (scattered 30000);
  records = map (n: { key = mod n 100; value = n; }) (scattered 30000);
in [
  (head (sort lessThan numbers))
  (head (sort (a: b: a > b) numbers))
  (elemAt (sort lessThan words) 5000)
  (elemAt (sort (a: b: a.key < b.key) records) 7).value
  (length (sort (a: b: a < b) (genList (i: i) 60000)))
]
