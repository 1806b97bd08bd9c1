let algos = [ "md5" "sha1" "sha256" "sha512" ]; in {
  empty = map (a: builtins.hashString a "") algos;
  abc = map (a: builtins.hashString a "abc") algos;
  utf8 = builtins.hashString "sha256" "é漢🙂";
  long = builtins.hashString "sha256" (builtins.concatStringsSep "" (builtins.genList toString 1000));
  file = map (a: builtins.hashFile a ./data/numbers.txt) algos;
  convert = map (f: builtins.convertHash { hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; hashAlgo = "sha256"; toHashFormat = f; }) [ "base16" "nix32" "base32" "base64" "sri" ];
  back = builtins.convertHash { hash = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="; toHashFormat = "base16"; };
  nix32 = builtins.convertHash { hash = "sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"; toHashFormat = "sri"; };
  md5 = builtins.convertHash { hash = "d41d8cd98f00b204e9800998ecf8427e"; hashAlgo = "md5"; toHashFormat = "nix32"; };
}
