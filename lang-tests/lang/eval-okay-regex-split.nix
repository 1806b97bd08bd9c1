let s = builtins.split; in [
  (s "," "a,b,c") (s "(,)" "a,b") (s "x" "abc") (s "" "abc") (s "a*" "baac") (s "(a)|b" "xaybz") (s "([[:upper:]]+)" " FOO " ) (s "^a" "aaa") (s "c$" "abc") (s "[ \n]+" "a b\nc") (s "(a)(b)?" "abac") (s "," "") (s "," ",") (s "/" "/usr/bin/") (s "b+" "abbbcbb") (s "(^|,)x" "x,x,y")
]
