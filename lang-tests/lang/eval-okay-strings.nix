let x = "X"; n = 5; in [
  "plain" "a${x}b" "${x}${x}" "tab\there" "nl\nthere" "cr\rq" "dollar $ \${x} $${x} $$" "quote \"q\" back\\slash"
  ''
    one
      two ${x}
    three ''${x} ''' ''\t| ''\n|
  ''
  "${toString n}" ("a" + "b") ("a" + x + "b") (builtins.stringLength "héllo") (builtins.stringLength "")
  (builtins.substring 1 3 "abcdef") (builtins.substring 0 (-1) "abc") (builtins.substring 10 2 "abc") (builtins.substring 2 100 "abc") (builtins.substring 0 0 "abc") (builtins.substring 3 1 "abc")
  (builtins.concatStringsSep ", " [ "a" "b" "c" ]) (builtins.concatStringsSep "-" [ ]) (builtins.concatStringsSep "" [ "x" ])
  (builtins.replaceStrings [ "a" "b" ] [ "b" "a" ] "abba") (builtins.replaceStrings [ "" ] [ "-" ] "abc") (builtins.replaceStrings [ "oo" "o" ] [ "0" "1" ] "foo boo o")
  (builtins.replaceStrings [ "" "a" ] [ "." "A" ] "banana") (builtins.replaceStrings [ "a" "" ] [ "A" "." ] "banana") (builtins.replaceStrings [ ] [ ] "same") (builtins.replaceStrings [ "x" ] [ (throw "never used") ] "abc")
  (builtins.replaceStrings [ "ab" "a" ] [ "1" "2" ] "aabab")
]
