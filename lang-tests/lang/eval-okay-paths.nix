[
  (/a/b) (/a/./b/../c) (/a + "b") (/a + "/b") (/. + "x") (/a/b + "/../c") (builtins.typeOf /a) (toString /a/b/..)
  (baseNameOf /a/b/c) (dirOf /a/b/c) (dirOf /a) (dirOf /.) (baseNameOf "a/b/") (baseNameOf "/") (baseNameOf "") (baseNameOf "x") (dirOf "a/b") (dirOf "a") (dirOf "/") (dirOf "/a") (dirOf "a/b/") (dirOf "a//b") (baseNameOf "a//b//")
  (/a == /a) (/a == /a/.) (/a < /b) (/a/b < /a-b) (builtins.isPath /a) (builtins.isPath "/a") (builtins.toPath "/x/y") (builtins.toPath "/x/../y")
  (/a/${"b"}/c) (/a${"b"}) (/a/${toString 1}-${"x"}) ("/a" + "/b") (/a/b.nix)
]
