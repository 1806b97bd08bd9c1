[
  ''
      deep
    shallow
	tab
  ''
  ''   first line
     second
  ''
  ''
    a

    b
      
    c''
  ''
    ${"x"}
      ${"y"}''
  ''
  ''
  ''
     
    x
  ''
]
