"a
bc" + (''
  x
   y
'') + "\r\n" # comment+ "d"
