# A module system of moderate size: options with types, merging, priorities, conditional definitions, submodules.
let
  inherit (builtins) isFunction isAttrs isList isString isInt isBool attrNames concatLists concatMap foldl' filter map head length elem listToAttrs mapAttrs all sort typeOf concatStringsSep hasAttr getAttr tail;
  optional = c: x: if c then [ x ] else [ ];
  fix = f: let x = f x; in x;

  mkOption = args: { _type = "option"; } // args;
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkForce = mkOverride 50;
  mkDefault = mkOverride 1000;
  isType = t: v: isAttrs v && (v._type or null) == t;

  types = rec {
    mk = name: check: merge: { inherit name check merge; };
    one = name: check: mk name check (loc: defs: if length defs == 1 || all (d: d == head defs) defs then head defs else throw "The option `${showOption loc}' has conflicting definitions.");
    int = one "int" isInt;
    bool = mk "bool" isBool (loc: foldl' (a: b: a || b) false);
    str = one "string" isString;
    lines = mk "lines" isString (loc: concatStringsSep "\n");
    listOf = t: mk "list of ${t.name}" (v: isList v && all t.check v) (loc: concatLists);
    attrsOf = t: mk "attribute set of ${t.name}" isAttrs (loc: defs:
      mapAttrs (n: vs: mergeValues (loc ++ [ n ]) t vs) (zipDefs defs));
    nullOr = t: mk "null or ${t.name}" (v: v == null || t.check v) (loc: defs: if all (d: d == null) defs then null else t.merge loc (filter (d: d != null) defs));
    enum = values: one "one of ${toString values}" (v: elem v values);
    submodule = mod: mk "submodule" (v: isAttrs v || isFunction v) (loc: defs: (evalModules { modules = [ mod ] ++ defs; prefix = loc; }).config);
  };
  zipDefs = defs: mapAttrs (n: vs: vs) (builtins.zipAttrsWith (n: vs: vs) defs);
  showOption = concatStringsSep ".";

  discharge = def:
    if isType "merge" def then concatMap discharge def.contents
    else if isType "if" def then (if def.condition then discharge def.content else [ ])
    else [ def ];
  withPriority = def: if isType "override" def then { inherit (def) priority; value = def.content; } else { priority = 100; value = def; };
  mergeValues = loc: type: defs:
    let
      live = map withPriority (concatMap discharge defs);
      best = foldl' (p: d: if d.priority < p then d.priority else p) 9999 live;
      values = map (d: d.value) (filter (d: d.priority == best) live);
      bad = filter (v: !(type.check v)) values;
    in
    if bad != [ ] then throw "A definition for option `${showOption loc}' is not of type `${type.name}'."
    else type.merge loc values;

  # Pushes conditions down to the leaves.
  pushDown = cfg:
    if isType "merge" cfg then concatMap pushDown cfg.contents
    else if isType "if" cfg then map (mapAttrs (n: v: mkIf cfg.condition v)) (pushDown cfg.content)
    else if isType "override" cfg then map (mapAttrs (n: v: mkOverride cfg.priority v)) (pushDown cfg.content)
    else [ cfg ];

  unify = m: if m ? config || m ? options then { imports = m.imports or [ ]; options = m.options or { }; config = m.config or { }; } else { imports = m.imports or [ ]; options = { }; config = removeAttrs m [ "imports" ]; };

  evalModules = { modules, prefix ? [ ], specialArgs ? { } }:
    fix (self:
      let
        args = { inherit (self) config options; inherit lib; } // specialArgs;
        call = m: unify (if isFunction m then m args else if builtins.isPath m then call' (import m) else m);
        call' = m: if isFunction m then m args else m;
        collect = ms: concatMap (m: let u = call m; in [ u ] ++ collect u.imports) ms;
        all' = collect modules;
        merge = loc: optss: cfgs:
          let
            names = attrNames (foldl' (a: b: a // b) { } optss);
            defNames = attrNames (foldl' (a: b: a // b) { } cfgs);
            unknown = filter (n: !(elem n names)) defNames;
            step = n:
              let here = map (o: o.${n}) (filter (o: o ? ${n}) optss); defs = map (c: c.${n}) (filter (c: c ? ${n}) cfgs); loc' = loc ++ [ n ]; in
              if isType "option" (head here) then
                let o = foldl' (a: b: a // b) { } here; present = concatMap discharge defs; in
                { name = n; value =
                  (o.apply or (x: x)) (if present == [ ] then o.default or (throw "The option `${showOption loc'}' is used but not defined.") else mergeValues loc' o.type (defs ++ optional (o ? default && false) null)); }
              else { name = n; value = merge loc' here (concatMap pushDown defs); };
          in
          if unknown != [ ] then throw "The option `${showOption (loc ++ [ (head unknown) ])}' does not exist."
          else listToAttrs (map step names);
      in
      { options = foldl' (a: b: a // b) { } (map (m: m.options) all'); config = merge prefix (map (m: m.options) all') (concatMap (m: pushDown m.config) all'); });

  lib = { inherit mkOption mkIf mkMerge mkForce mkDefault types; };

  services = { config, lib, ... }: with lib; {
    options.services.web = {
      enable = mkOption { type = types.bool; default = false; };
      port = mkOption { type = types.int; default = 80; };
      hosts = mkOption { type = types.attrsOf (types.submodule ({ config, ... }: {
        options.root = mkOption { type = types.str; };
        options.tls = mkOption { type = types.bool; default = false; };
        options.url = mkOption { type = types.str; default = "${if config.tls then "https" else "http"}:${config.root}"; };
      })); default = { }; };
      extra = mkOption { type = types.lines; default = ""; };
    };
    options.firewall.ports = mkOption { type = types.listOf types.int; default = [ ]; apply = sort (a: b: a < b); };
    config = mkIf config.services.web.enable {
      firewall.ports = [ config.services.web.port ];
    };
  };
  site = { lib, config, ... }: with lib; {
    imports = [ services { services.web.port = mkDefault 8080; } ];
    services.web = mkMerge [
      { enable = true; extra = "a"; }
      (mkIf (config.firewall.ports != [ ]) { extra = "b"; })
      (mkIf false { extra = throw "never evaluated"; })
      { hosts = { "x.example".root = "/x"; "y.example" = { root = "/y"; tls = true; }; }; }
    ];
    firewall.ports = [ 443 22 ];
  };
  ok = evalModules { modules = [ site { options.mode = mkOption { type = types.enum [ "fast" "slow" ]; default = "slow"; }; } { config.mode = mkForce "fast"; } { config.mode = "slow"; } ]; };
  attempt = m: (builtins.tryEval (builtins.deepSeq (evalModules { modules = [ services m ]; }).config true)).success;
in
{
  inherit (ok) config;
  failures = map attempt [ { } { services.web.port = "80"; } { services.web.prot = 80; } { services.web.port = mkMerge [ 80 81 ]; } ];
}
