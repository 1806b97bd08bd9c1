let
  rev = "0123456789012345678901234567890123456789";
  narHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  github = { type = "github"; owner = "a"; repo = "b"; };
in map (attrs: builtins.flakeRefToString (builtins.mapAttrs (n: v: v) attrs)) [
  github
  (github // { ref = "r"; dir = "d"; host = "h"; })
  (github // { inherit rev narHash; })
  (github // { type = "gitlab"; owner = "a b"; })
  { type = "indirect"; id = "x"; ref = "r"; inherit rev; dir = "q"; }
  { type = "path"; path = "./a"; lastModified = 1 + 2; dir = "x y"; }
  { type = "git"; url = "https://x/y"; ref = "a/b"; submodules = true; shallow = true; dir = "z"; }
  { type = "git"; url = "file:///x"; inherit rev; revCount = 4; }
  { type = "hg"; url = "https://x/y"; ref = "b"; }
  { type = "tarball"; url = "https://x/y.tar.gz"; dir = "a"; inherit rev narHash; }
  { type = "file"; url = "https://x/y"; }
]
