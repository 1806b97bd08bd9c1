let
  fetch = import <nix/fetchurl.nix>;
  url = "http://x.example/y.tar";
  attrs = args: (fetch ({ inherit url; } // args)).drvAttrs;
in [
  <nix/fetchurl.nix>
  (builtins.isFunction fetch)
  (builtins.functionArgs fetch)
  (toString <nix/fetchurl.nix>)
  (baseNameOf <nix/fetchurl.nix>)
  (map builtins.pathExists [ <nix/fetchurl.nix> <nix/none> ])
  (attrs { hash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; })
  (attrs { md5 = "d41d8cd98f00b204e9800998ecf8427e"; unpack = true; name = "q"; })
  (attrs { sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"; executable = true; system = "s"; })
  (attrs { sha256 = "z"; sha512 = "e"; outputHashAlgo = "sha256"; })
  (attrs { impure = true; })
  (fetch { inherit url; sha256 = "0000000000000000000000000000000000000000000000000000"; }).drvPath
]
