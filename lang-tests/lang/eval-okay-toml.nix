let q = "'" + "'" + "'"; in builtins.fromTOML ''
  # comment
  title = "TOML"
  literal = 'C:\no\escape'
  int = 42
  neg = -17
  under = 1_000_000
  hex = 0xDEAD_beef
  oct = 0o755
  bin = 0b1101
  flt = 3.14
  exp = 5e+22
  exp2 = 6.626e-34
  inf = inf
  yes = true
  no = false
  esc = "tab\t nl\n quote\" back\\ uni\u00e9 \U0001F642"
  multi = """
  first
    second \
       joined"""
  mlit = ${q}
  raw \n ' quote${q}
  arr = [ 1, 2, 3, ]
  mixed = [ "a", 1, [ true ] ]
  empty = []
  inline = { x = 1, y.z = "deep" }
  a.b.c = 1
  "quoted key" = 1
  'lit key'.sub = 2
  1234 = "digits"

  [table]
  k = "v"
  [table.sub]
  k2 = 2
  [ spaced . "dotted.key" ]
  k = 1

  [[items]]
  name = "one"
  [[items]]
  name = "two"
  [items.detail]
  d = 1
  [[items.list]]
  e = 1
  [[items.list]]
  e = 2
''
