map builtins.flakeRefToString [
  { type = "git"; url = "x y"; }
  { type = "git"; url = ""; }
  { type = "git"; url = "/a?b"; dir = "d"; }
  { type = "git"; url = "a@b:c@d"; ref = "x"; }
  { type = "git"; url = "git+http://x?dir=e"; dir = "d"; __final = true; }
  { type = "git"; url = "http://x"; name = 1; narHash = 1; rev = "sha256:0123456789012345678901234567890123456789012345678901234567890123"; }
  { type = "git"; url = "http://x"; publicKey = "k"; verifyCommit = true; }
  { type = "git"; url = "http://x"; publicKeys = "[{\"key\": \"k\", \"type\": \"t\"}]"; }
  { type = "git"; url = "http://x"; publicKeys = "[{\"key\": \"k\", \"type\": \"t\"}]"; publicKey = "l"; }
  { type = "hg"; url = "x:y"; rev = "md5:00000000000000000000000000000000"; }
  { type = "github"; owner = "a/b"; repo = "c d"; ref = "e/f"; host = ""; treeHash = 1; }
  { type = "gitlab"; owner = ""; repo = ""; rev = "0123456789ABCDEF0123456789ABCDEF01234567"; }
  { type = "indirect"; id = "a"; ref = "b/c d"; narHash = "zz"; }
  { type = "path"; path = "a//b"; lastModified = 1; rev = true; narHash = 2; }
  { type = "tarball"; url = "http://u@x:080/#a@b"; narHash = ""; rev = 1; }
  { type = "file"; url = "http://[v1.a:b]?x"; unpack = false; }
]
