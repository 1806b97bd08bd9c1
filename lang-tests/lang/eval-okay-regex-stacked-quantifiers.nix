# Quantifiers upon quantifiers: each is allowed, and however many there are costs no more than one.
let
  m = builtins.match;
in
[
  (m "a**" "aaa")
  (m "(a|b)*+" "abba")
  (m "((a)|b)*?" "ab")
  (m "(a*)**" "aab")
  (m "([^/]*/)*([^/]********************************+)" "a/b/c.txt")
]
