# The printed form has six significant digits; toString has six decimals.
let
  xs = [ 1.0 0.5 1.5 100.0 1.0e5 1.0e6 123456.7 1234567.8 1.0e15 1.0e17 1.0e-4 1.0e-5 1.5e-10 3.14159265358979 2.0e300 (-0.0) (0.0 * -1) (-1.5) .5 1.e3 ];
in {
  print = xs;
  string = map toString xs;
  json = builtins.toJSON xs;
  ceil = map builtins.ceil [ 1.0 1.1 1.9 (-1.1) (-1.9) 0.0 5 ];
  floor = map builtins.floor [ 1.0 1.1 1.9 (-1.1) (-1.9) 0.0 5 ];
  equal = [ (1 == 1.0) (1.0 == 1) (0.1 + 0.2 == 0.3) (0.5 == 1 / 2.0) (-0.0 == 0.0) ];
  less = [ (1 < 1.5) (1.5 < 1) (1.5 < 2) (2.0 < 2) (1.0e300 < 2) ];
  type = map builtins.typeOf [ 1.0 (1 + 1.0) (1 * 2) ];
  big = 1.0e308 * 10;
  negbig = -1.0e308 * 10;
  nan = (1.0e308 * 10) - (1.0e308 * 10) == 0.0;
}
