# Derivations: a bootstrap, a library of builders and several hundred packages with inputs; every output path is made.
let
  inherit (builtins) genList listToAttrs elemAt length filter concatStringsSep attrNames attrValues foldl' hashString toJSON substring stringLength removeAttrs;
  mod = a: b: a - b * (a / b);
  system = "x86_64-linux";
  builder = builtins.toFile "builder.sh" "source $setup\ngenericBuild\n";
  bootstrap = derivation { name = "bootstrap-tools"; inherit system; builder = "/bin/sh"; args = [ "-c" "true" ]; outputHash = hashString "sha256" "bootstrap"; outputHashAlgo = "sha256"; outputHashMode = "recursive"; };
  stdenv = derivation { name = "stdenv"; inherit system; builder = "${bootstrap}/bin/sh"; args = [ builder ]; setup = builtins.toFile "setup.sh" "export PATH=$initialPath\n"; };
  fetch = { url, hash }: derivation { name = baseNameOf url; inherit system url; builder = "builtin:fetchurl"; outputHash = hash; outputHashAlgo = "sha256"; outputHashMode = "flat"; preferLocalBuild = true; };
  mkDerivation = { pname, version, buildInputs ? [ ], nativeBuildInputs ? [ ], outputs ? [ "out" ], ... }@args:
    derivation ((removeAttrs args [ "pname" "meta" ]) // {
      name = "${pname}-${version}";
      inherit system stdenv outputs buildInputs nativeBuildInputs;
      builder = "${bootstrap}/bin/sh";
      args = [ "-e" builder ];
      doCheck = true;
      strictDeps = false;
      configureFlags = (args.configureFlags or [ ]) ++ map (d: "--with-${d.name}=${d}") buildInputs;
    }) // { meta = args.meta or { }; };
  package = i: mkDerivation {
    pname = "package-${toString i}";
    version = "${toString (mod i 7)}.${toString (mod i 11)}";
    src = fetch { url = "https://example.org/package-${toString i}.tar.gz"; hash = hashString "sha256" "source ${toString i}"; };
    outputs = if mod i 4 == 0 then [ "out" "dev" "doc" ] else [ "out" ];
    buildInputs = map (k: elemAt all k) (filter (k: k < i) (if i < 3 then [ ] else [ (i / 2) (i / 3) (i - 1) ]));
    nativeBuildInputs = if i < 5 then [ ] else [ (elemAt all (mod i 5)).drvAttrs.src ];
    patches = genList (p: builtins.toFile "fix-${toString p}.patch" "--- a/${toString i}\n+++ b/${toString p}\n") (mod i 3);
    preConfigure = ''
      substituteInPlace configure --replace /usr/bin ${stdenv}/bin
      echo "building ${toString i}"
    '';
    meta.description = "Package number ${toString i}";
  };
  all = genList package 1500;
in foldl' (a: p: hashString "sha256" (a + p.outPath)) "" all
