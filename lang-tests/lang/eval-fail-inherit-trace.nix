let s = { a = throw "inherited"; }; t = { inherit (s) a; }; in t.a
