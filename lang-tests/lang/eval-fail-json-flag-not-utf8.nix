# What was written before the error is shown.
{ a = [ 1 "fine" ]; b = builtins.substring 0 1 "é"; c = 2; }
