let m = builtins.match; in [
  (m "a" "a") (m "a" "ab") (m "(a)(b)?" "a") (m "(a)(b)?" "ab") (m "[0-9]+" "123") (m "[[:space:]]*([^[:space:]]*)[[:space:]]*" "  foo  ") (m "(foo|foobar)(bar)?" "foobar")
  (m ".*" "") (m ".*" "a\nb") (m "a.c" "a\nc") (m "([a-z]+)-([0-9.]+)(.*)" "hello-1.2.3pre") (m "\\." ".") (m "\\(x\\)" "(x)") (m "[]a]+" "]a]") (m "[^]a]+" "bcd") (m "a{2,3}" "aa") (m "a{2,3}" "aaaa") (m "a{2}" "aa") (m "a{2,}" "aaaaa")
  (m "(a|b)*" "abba") (m "((a)|(b))*" "ab") (m "(a*)*" "aaa") (m "(a*)+" "b") (m "^a$" "a") (m "()" "") (m "x*" "") (m "[[:alpha:]_][[:alnum:]_]*" "foo_1") (m "[[:upper:]]+" "ABC") (m "[a-c-]+" "a-c") (m "\\\\" "\\") (m "[.]" ".") (m "[\\.]" "\\") (m "(.*)\\.(.*)" "a.b.c") (m "é" "é") (m "(.)(.)" "é")
]
