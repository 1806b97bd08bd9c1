let f = x: x; s = { inherit f; }; l = [ f ]; in {
  scalars = [ (1 == 1) (1 == 2) ("a" == "a") (null == null) (null == false) (true == true) (1 == "1") (1 == 1.0) (./a == ./a) (./a == "./a") ];
  lists = [ ([ 1 2 ] == [ 1 2 ]) ([ 1 2 ] == [ 1 ]) ([ ] == [ ]) ([ [ 1 ] ] == [ [ 1.0 ] ]) ([ 1 2 ] == [ 2 1 ]) ];
  sets = [ ({ } == { }) ({ a = 1; b = 2; } == { b = 2; a = 1; }) ({ a = 1; } == { a = 2; }) ({ a = 1; } == { b = 1; }) ({ a = 1; } == { a = 1; b = 1; }) ];
  # Functions differ from everything, yet the same set or list compares its pointers first.
  functions = [ (f == f) (s == s) (l == l) ({ inherit f; } == { inherit f; }) ([ f ] == [ f ]) (s.f == s.f) ];
  lazy = [ ([ 1 (throw "no") ] == [ 2 (throw "no") ]) ({ a = 1; b = throw "no"; } == { a = 2; b = throw "no"; }) ({ a = throw "x"; } == { b = throw "y"; }) ([ (throw "x") ] == [ ]) ];
  outPaths = [
    ({ type = "derivation"; outPath = "x"; a = 1; } == { type = "derivation"; outPath = "x"; a = 2; })
    ({ type = "derivation"; outPath = "x"; } == { type = "derivation"; outPath = "y"; })
    ({ outPath = "x"; a = 1; } == { outPath = "x"; a = 2; })
  ];
  negated = [ (1 != 2) ({ } != { }) ([ 1 ] != [ 1 ]) ("a" != "b") ];
}
