# <nix/fetchurl.nix>: a derivation that Nix builds itself by downloading a file; its interface is fixed by the Nix manual.
{ url
, name ? baseNameOf (toString url)
, hash ? ""
, sha512 ? ""
, sha256 ? ""
, sha1 ? ""
, md5 ? ""
, outputHash ?
    if hash != "" then hash
    else if sha512 != "" then sha512
    else if sha1 != "" then sha1
    else if md5 != "" then md5
    else sha256
, outputHashAlgo ?
    if hash != "" then ""
    else if sha512 != "" then "sha512"
    else if sha1 != "" then "sha1"
    else if md5 != "" then "md5"
    else "sha256"
, executable ? false
, unpack ? false
, impure ? false
, system ? "" # means nothing any more
}:

derivation ({
  inherit name url executable unpack;
  urls = [ url ];
  builder = "builtin:fetchurl";
  system = "builtin";
  outputHashMode = if unpack || executable then "recursive" else "flat";
  # What is fetched is small and near; nothing is gained by building it elsewhere.
  preferLocalBuild = true;
  impureEnvVars = [ "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy" ];
} // (if impure then { __impure = true; } else { inherit outputHash outputHashAlgo; }))
