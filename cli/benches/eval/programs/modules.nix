# A module system in the manner of configuration frameworks: many modules, typed options, conditions, priorities,
# submodules; every option of the result is forced.
let
  inherit (builtins) isFunction isAttrs isList isString isInt isBool attrNames attrValues concatLists concatMap foldl' filter head tail length elem listToAttrs mapAttrs all any sort concatStringsSep genList zipAttrsWith deepSeq hasAttr functionArgs intersectAttrs toJSON stringLength removeAttrs;

  types = rec {
    mk = name: check: merge: { _type = "option-type"; inherit name check merge; };
    equalOnly = name: check: mk name check (loc: defs:
      let first = (head defs).value; in
      if all (d: d.value == first) defs then first else throw "The option `${show loc}' has conflicting definitions:${concatStringsSep "" (map (d: "\n- ${toString d.file}") defs)}");
    int = equalOnly "integer" isInt;
    str = equalOnly "string" isString;
    bool = equalOnly "boolean" isBool;
    lines = mk "lines" isString (loc: defs: concatStringsSep "\n" (map (d: d.value) defs));
    enum = values: equalOnly "one of ${concatStringsSep ", " values}" (v: elem v values);
    nullOr = t: mk "null or ${t.name}" (v: v == null || t.check v) (loc: defs: if all (d: d.value == null) defs then null else t.merge loc (filter (d: d.value != null) defs));
    listOf = t: mk "list of ${t.name}" isList (loc: defs:
      concatLists (map (d: genList (i: (mergeDefs (loc ++ [ "[${toString i}]" ]) t [ { inherit (d) file; value = builtins.elemAt d.value i; } ])) (length d.value)) defs));
    attrsOf = t: mk "attribute set of ${t.name}" isAttrs (loc: defs:
      mapAttrs (name: ds: mergeDefs (loc ++ [ name ]) t ds)
        (zipAttrsWith (name: ds: ds) (map (d: mapAttrs (n: value: { inherit (d) file; inherit value; }) d.value) defs)));
    submodule = module: mk "submodule" (v: isAttrs v || isFunction v) (loc: defs:
      (evalModules { prefix = loc; modules = [ module { config._module.args.name = builtins.elemAt loc (length loc - 1); } ] ++ map (d: { imports = [ d.value ]; _file = d.file; }) defs; }).config);
  };
  show = concatStringsSep ".";

  mkOption = attrs: { _type = "option"; } // attrs;
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;
  mkOrder = priority: content: { _type = "order"; inherit priority content; };
  mkBefore = mkOrder 500;
  mkEnableOption = name: mkOption { type = types.bool; default = false; description = "Whether to enable ${name}."; };
  is = type: v: isAttrs v && v ? _type && v._type == type;
  lib = { inherit types mkOption mkIf mkMerge mkOverride mkDefault mkForce mkOrder mkBefore mkEnableOption; };

  discharge = def:
    if is "merge" def.value then concatMap (value: discharge (def // { inherit value; })) def.value.contents
    else if is "if" def.value then (if def.value.condition then discharge (def // { value = def.value.content; }) else [ ])
    else [ def ];
  highest = defs:
    let
      priority = d: if is "override" d.value then d.value.priority else 100;
      best = foldl' (p: d: let q = priority d; in if q < p then q else p) 9999 defs;
    in map (d: if is "override" d.value then d // { value = d.value.content; } else d) (filter (d: priority d == best) defs);
  ordered = defs:
    let priority = d: if is "order" d.value then d.value.priority else 1000; in
    if any (d: is "order" d.value) defs
    then map (d: if is "order" d.value then d // { value = d.value.content; } else d) (sort (a: b: priority a < priority b) defs)
    else defs;
  mergeDefs = loc: type: defs:
    let final = ordered (highest (concatMap discharge defs)); in
    if final == [ ] then throw "The option `${show loc}' is used but not defined."
    else if all (d: type.check d.value) final then type.merge loc final
    else throw "A definition for option `${show loc}' is not of type `${type.name}'.";

  pushDown = cfg:
    if is "merge" cfg then concatMap pushDown cfg.contents
    else if is "if" cfg then map (mapAttrs (n: mkIf cfg.condition)) (pushDown cfg.content)
    else if is "override" cfg then map (mapAttrs (n: mkOverride cfg.priority)) (pushDown cfg.content)
    else [ cfg ];

  unify = file: key: m:
    let known = m ? config || m ? options; in {
      _file = toString (m._file or file);
      inherit key;
      imports = m.imports or [ ];
      options = m.options or { };
      config = if known then m.config or { } else removeAttrs m [ "imports" "_file" ];
    };
  evalModules = { modules, prefix ? [ ] }:
    let
      args = { inherit lib; inherit (result) config options; };
      load = file: key: m:
        if isFunction m then
          let extra = mapAttrs (name: _: args.${name} or result.config._module.args.${name}) (functionArgs m); in
          unify file key (m (args // extra))
        else unify file key m;
      collect = parent: ms: concatLists (genList (i: let u = load parent "${parent}:${toString i}" (builtins.elemAt ms i); in [ u ] ++ collect u.key u.imports) (length ms));
      internal = { options._module.args = mkOption { type = types.attrsOf (types.mk "any" (v: true) (loc: defs: (head defs).value)); default = { }; }; };
      all' = collect (show ([ "<root>" ] ++ prefix)) ([ internal ] ++ modules);
      tree = loc: options: configs:
        let
          optionsByName = zipAttrsWith (n: vs: vs) options;
          defsByName = zipAttrsWith (n: vs: vs) (map (c: mapAttrs (n: value: { inherit (c) file; inherit value; }) c.config) configs);
          unmatched = removeAttrs defsByName (attrNames optionsByName);
          one = name: decls:
            let loc' = loc ++ [ name ]; defs = defsByName.${name} or [ ]; in
            if is "option" (head decls) then
              let
                opt = foldl' (a: b: a // b) { } decls;
                withDefault = (if opt ? default then [ { file = "default"; value = mkOverride 1500 opt.default; } ] else [ ]) ++ defs;
                value = mergeDefs loc' opt.type withDefault;
              in { option = opt // { inherit loc'; inherit value; }; config = if opt ? apply then opt.apply value else value; }
            else tree loc' decls (concatMap (d: map (config: { inherit (d) file; inherit config; }) (pushDown d.value)) defs);
          results = mapAttrs one optionsByName;
        in
        if unmatched != { } then throw "The option `${show (loc ++ [ (head (attrNames unmatched)) ])}' does not exist."
        else { option = mapAttrs (n: r: r.option) results; config = mapAttrs (n: r: r.config) results; };
      whole = tree prefix (map (m: m.options) all') (concatMap (m: map (config: { file = m._file; inherit config; }) (pushDown m.config)) all');
      result = { options = whole.option; inherit (whole) config; };
    in result;

  service = i:
    let name = "service${toString i}"; in
    { config, lib, ... }:
    with lib;
    let cfg = config.services.${name}; in {
      options.services.${name} = {
        enable = mkEnableOption name;
        port = mkOption { type = types.int; default = 8000 + i; };
        user = mkOption { type = types.str; default = name; };
        level = mkOption { type = types.enum [ "debug" "info" "error" ]; default = "info"; };
        extraConfig = mkOption { type = types.lines; default = ""; };
        dataDir = mkOption { type = types.nullOr types.str; default = null; apply = v: if v == null then "/var/lib/${name}" else v; };
        hosts = mkOption {
          default = { };
          type = types.attrsOf (types.submodule ({ name, config, ... }: {
            options = {
              root = mkOption { type = types.str; default = "/srv/${name}"; };
              tls = mkOption { type = types.bool; default = false; };
              aliases = mkOption { type = types.listOf types.str; default = [ ]; };
              url = mkOption { type = types.str; default = "${if config.tls then "https" else "http"}://${name}"; };
            };
          }));
        };
      };
      config = mkIf cfg.enable (mkMerge [
        {
          system.users.${cfg.user} = { uid = 1000 + i; home = cfg.dataDir; };
          system.ports = [ cfg.port ];
          system.units.${name} = { text = mkBefore "[Service]\nUser=${cfg.user}\nLog=${cfg.level}"; wantedBy = [ "multi-user" ]; };
        }
        (mkIf (cfg.extraConfig != "") { system.units.${name}.text = cfg.extraConfig; })
        (mkIf (cfg.level == "debug") { system.warnings = [ "${name} is verbose" ]; })
      ]);
    };
  system = { lib, config, ... }: with lib; {
    options.system = {
      users = mkOption { default = { }; type = types.attrsOf (types.submodule { options = { uid = mkOption { type = types.int; }; home = mkOption { type = types.str; default = "/"; }; shell = mkOption { type = types.str; default = "/bin/sh"; }; }; }); };
      ports = mkOption { type = types.listOf types.int; default = [ ]; apply = sort (a: b: a < b); };
      warnings = mkOption { type = types.listOf types.str; default = [ ]; };
      units = mkOption { default = { }; type = types.attrsOf (types.submodule ({ name, ... }: { options = { text = mkOption { type = types.lines; }; wantedBy = mkOption { type = types.listOf types.str; default = [ ]; }; path = mkOption { type = types.str; default = "/etc/${name}.service"; }; }; })); };
    };
  };
  site = { lib, config, ... }: with lib; {
    imports = [ system ] ++ genList service 300;
    services = mkMerge (genList (i: {
      "service${toString i}" = {
        enable = i - 3 * (i / 3) != 0;
        level = if i - 5 * (i / 5) == 0 then "debug" else mkDefault "error";
        extraConfig = "Option${toString i}=yes";
        hosts = listToAttrs (genList (k: { name = "host${toString k}.example"; value = { tls = k == 1; aliases = [ "a${toString k}" ]; }; }) 3);
      };
    }) 300);
  };
  final = (evalModules { modules = [ site { services.service1.port = mkForce 1; } { services.service1.port = 2; } ]; }).config;
in stringLength (toJSON final)
