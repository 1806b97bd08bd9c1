# Package sets as fixed points: overlays on overlays, override, callPackage by argument names.
let
  inherit (builtins) foldl' functionArgs intersectAttrs genList listToAttrs mapAttrs attrNames attrValues length isFunction removeAttrs concatStringsSep stringLength filter head;
  fix = f: let x = f x; in x;
  extends = overlay: f: final: let prev = f final; in prev // overlay final prev;
  makeOverridable = f: args:
    let
      result = f args;
      copy = g: makeOverridable (a: g (f a)) args;
      override = new: makeOverridable f (args // (if isFunction new then new args else new));
    in result // { inherit override; overrideAttrs = change: copy (old: old // change old); };
  callPackageWith = scope: fn: args: makeOverridable fn (intersectAttrs (functionArgs fn) scope // args);
  mkPackage = { name, version, deps ? [ ], flags ? { } }: {
    type = "package";
    inherit name version deps flags;
    id = "${name}-${version}${concatStringsSep "" (map (f: "+${f}") (filter (f: flags.${f}) (attrNames flags)))}";
    depth = 1 + foldl' (a: d: if d.depth > a then d.depth else a) 0 deps;
    meta = { description = "The package ${name}"; homepage = "https://example.org/${name}"; platforms = [ "linux" "darwin" ]; broken = false; };
  };
  count = 3000;
  name = i: "pkg${toString i}";
  base = final:
    { callPackage = callPackageWith final; inherit mkPackage; version = "1.0"; }
    // listToAttrs (genList (i: {
      name = name i;
      value = final.callPackage ({ mkPackage, version, static ? false, debug ? false }: mkPackage {
        name = name i;
        version = "${version}.${toString i}";
        deps = map (k: final.${name k}) (filter (k: k < i) (if i == 0 then [ ] else [ (i / 2) (i / 3) (i - 1 - 10 * ((i - 1) / 10)) ]));
        flags = { inherit static debug; };
      }) { };
    }) count);
  overlay = k: final: prev:
    listToAttrs (genList (j: let n = name (j * 17 + k); in {
      name = n;
      value = prev.${n}.override (old: { static = !(old.static or false); });
    }) 40)
    // { ${name (k * 3)} = prev.${name (k * 3)}.overrideAttrs (old: { version = old.version + "-patched"; depth = old.depth + 1; }); }
    // { ${"extra${toString k}"} = final.callPackage ({ mkPackage, pkg1, pkg2 }: mkPackage { name = "extra${toString k}"; version = "0"; deps = [ pkg1 pkg2 ]; }) { }; };
  variants = map (v: fix (foldl' (f: o: extends o f) base (genList (k: overlay (k + v)) 10))) [ 0 1 2 ];
  packages = set: filter (p: (p.type or null) == "package") (attrValues (removeAttrs set [ "callPackage" "mkPackage" ]));
in map (set: foldl' (a: p: a + stringLength p.id + p.depth) 0 (packages (removeAttrs set [ "version" ]))) variants
