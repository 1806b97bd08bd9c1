throw "x"
# second
# third
