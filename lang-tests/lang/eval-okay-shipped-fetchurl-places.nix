let
  fetch = import <nix/fetchurl.nix>;
  places = set: map (name: builtins.unsafeGetAttrPos name set) (builtins.attrNames set);
in
[
  (places (builtins.functionArgs fetch))
  (places (fetch { url = "a"; }).drvAttrs)
]
