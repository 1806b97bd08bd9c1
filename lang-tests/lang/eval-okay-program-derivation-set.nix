# A package set with stdenv-like builder, dependencies and their closure of names.
let
  mkDerivation = { name, version ? "1", buildInputs ? [ ], ... }@args:
    derivation (removeAttrs args [ "version" "passthru" "meta" ] // { name = "${name}-${version}"; inherit version buildInputs; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-e" (builtins.toFile "builder.sh" "source $stdenv/setup\n") ]; stdenv = stdenv; })
    // (args.passthru or { }) // { meta = args.meta or { }; overrideAttrs = f: mkDerivation (args // f args); };
  stdenv = derivation { name = "stdenv"; system = "x86_64-linux"; builder = "/bin/sh"; setup = "x"; };
  pkgs = rec {
    zlib = mkDerivation { name = "zlib"; version = "1.3"; };
    openssl = mkDerivation { name = "openssl"; version = "3.0.1"; buildInputs = [ zlib ]; outputs = [ "out" "dev" ]; };
    curl = mkDerivation { name = "curl"; version = "8"; buildInputs = [ openssl.dev zlib ]; configureFlags = [ "--with-ssl=${openssl.dev}" "--with-zlib=${zlib}" ]; meta.license = "mit"; passthru.tests = [ 1 ]; };
    patched = curl.overrideAttrs (old: { version = "8.1"; patches = [ (builtins.toFile "fix.patch" "--- a\n+++ b\n") ]; });
    env = derivation { name = "env"; system = "x86_64-linux"; builder = "/bin/sh"; paths = [ curl patched openssl ]; json = builtins.toJSON { inherit curl; list = [ zlib ]; }; };
  };
in builtins.mapAttrs (n: p: { inherit (p) name drvPath outPath; deps = builtins.attrNames (builtins.getContext (toString (p.buildInputs or [ ]))); }) pkgs // { license = pkgs.curl.meta.license; tests = pkgs.curl.tests; }
