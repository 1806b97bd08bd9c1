let v = "VALUE"; in [
  ''''
  ''x''
  '' x''
  ''
    a
     b
    c
  ''
  ''
      six
    four
        eight
  ''
  ''
    ends without newline''
  ''

    blank first
  ''
  ''
    tab	inside
	tab first
  ''
  ''
    ${v}
      ${v} tail
  ''
  ''${v}
    second''
  ''  ${v}
    x
  ''
  ''
    a

      
    b
  ''
  ''
    ''\ta ''\\b ''\"c ''\${v} $${v} ''${v} $''${v}
  ''
  ''
    it'''s
  ''
  ''
  $ alone $x $$
  ''
  ''   
     after spaces only line
  ''
  ''a
  b
c''
]
