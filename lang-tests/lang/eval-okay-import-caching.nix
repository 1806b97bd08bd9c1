# A file is evaluated once, however it is named.
let dir = ./dir-a; in [ (import ./dir-a/noisy.nix) (import (dir + "/noisy.nix")) (import "${toString dir}/noisy.nix") (import ./dir-a/../dir-a/noisy.nix) ]
