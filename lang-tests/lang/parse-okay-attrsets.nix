rec {
  a = 1;
  b.c.d = 2;
  b.c.e = 3;
  b.f = { g = 1; };
  "quoted" = 4;
  "with space" = 5;
  "a.b"."c" = 6;
  inherit (b) c;
  inherit;
  inherit (x) ;
  x = { y = 1; z = 2; };
  inherit (x) y z "w";
  ${"dyn" + "amic"} = 7;
  nested.${"dyn"}.more = 8;
  ${null} = 9;
  or = 10;
  "if" = 11;
  e = { };
}
