builtins.toJSON {
  int = 1; neg = -5; big = 9223372036854775807; float = 1.5; whole = 2.0; small = 1.0e-7; huge = 1.0e25; null = null; t = true; f = false;
  string = "quote \" slash / back \\ nl \n tab \t cr \r bell ${builtins.fromJSON "\"\\u0007\""} é 漢 🙂";
  list = [ 1 [ ] [ [ 2 ] ] { } ];
  nested = { b = 1; a = { }; };
  drv = { outPath = "/out"; other = throw "not looked at"; };
  str = { __toString = self: "as string"; x = 1; };
}
