y: x: [
  "plain"
  "quote \" backslash \\ tab \t newline \n return \r dollar \${x} $"
  "$$ $${x} $${"
  "a${"b"}c${toString 1}"
  "${"only"}"
  "multi
line"
  "\a\b\q"
  ''indented''
  ''
    two
      lines
  ''
  ''
    ''${escaped} ''' ''\n ''\t ''\\ $${x} ''\
  ''
  ''${"x"} y ${toString 2}''
  ""
  ''''
  "$"
  "$$$"
  "$x"
  "a$"
  ''$''
  ''a'''b''
]
