let
  one = 1;
  two = 2;
  three = one ++ ;
  four = 4;
  five = 5;
in
three
