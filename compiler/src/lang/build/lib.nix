# The library `buildc` of build files, written in the language on the one primitive `step`.
#
# A step is an attribute set with type = "step": a tree of files with the config that a container started from it gets.
# Every function here takes steps, paths and plain values, checks them, and calls `step` with a complete description, so that an
# error names the function and the attribute. Users extend the library in the same way: `buildc.step` is the primitive.
# `unknown message name names` refuses a name that is none of the names; `names list` is the list if all are names of images.
step: unknown: names:

let
  inherit (builtins)
    attrNames
    concatStringsSep
    elemAt
    filter
    isAttrs
    isBool
    isInt
    isList
    isPath
    isString
    map
    match
    removeAttrs
    toString
    typeOf
    ;

  # --- types of attributes: a name for messages and a test --------------------------------------------------------

  # An image stands for its tree wherever a step does.
  isStep = v: isAttrs v && builtins.elem (v.type or null) [ "step" "image" ];
  isText = v: isString v || (isAttrs v && (v ? outPath || v ? __toString));
  isWord = v: isText v || isInt v;
  # What a fetcher of the language gave: a string, or a set with one, of a path in the language's store.
  isFetched = v: isText v && match "${builtins.storeDir}/.+" "${v}" != null;
  asPlace = v: if isPath v || isStep v then v else "${v}";
  isNull = v: v == null;
  # Of a value that is refused, the name of what is wrong in it, and that: an element rather than the whole list.
  whole = name: value: { inherit name value; };
  blame = t: name: v: (t.blame or whole) name v;
  elementOf =
    test: name: v:
    let
      wrong = filter (i: !(test (elemAt v i))) (builtins.genList (i: i) (builtins.length v));
    in
    if !(isList v) || wrong == [ ] then
      whole name v
    else
      whole "element ${toString (builtins.head wrong)} of ${name}" (elemAt v (builtins.head wrong));
  memberOf =
    test: name: v:
    let
      wrong = filter (n: !(test v.${n})) (attrNames v);
    in
    if !(isAttrs v) || wrong == [ ] then
      whole name v
    else
      whole "'${builtins.head wrong}' of ${name}" v.${builtins.head wrong};
  listOf = t: {
    name = "a list of ${t.plural}";
    plural = "lists";
    test = v: isList v && builtins.all t.test v;
    blame = elementOf t.test;
    inner = t.name;
  };
  either = a: b: {
    name = "${a.name} or ${b.name}";
    plural = "${a.plural} or ${b.plural}";
    test = v: a.test v || b.test v;
    # Whichever of the two has elements.
    blame = name: v: if a ? blame then a.blame name v else blame b name v;
    inner = a.inner or b.inner or null;
  };
  type = name: plural: test: { inherit name plural test; };
  types = rec {
    text = type "a string" "strings" isText;
    word = type "a string or an integer" "strings or integers" isWord;
    bool = type "a Boolean" "Booleans" isBool;
    int = type "an integer" "integers" isInt;
    attrs = type "a set" "sets" isAttrs;
    step = type "a step" "steps" isStep;
    path = type "a path" "paths" (v: isPath v || isFetched v);
    null = type "null" "nulls" isNull;
    texts = listOf text;
    textOrTexts = either text texts;
    mode = either text int;
    from = type "a path, a step or a place in a step" "places" (v: isPath v || isStep v || isText v);
    places =
      let
        isPlace = v: isPath v || isStep v || isFetched v;
      in
      type "a set of paths and steps" "sets of paths and steps" (
        v: isAttrs v && builtins.all (n: isPlace v.${n}) (attrNames v)
      )
      // {
        blame = memberOf isPlace;
        inner = "a path or a step";
      };
    optional = t: either t null;
    mount = type "a mount (see buildc.mount)" "mounts" (v: isAttrs v && (v.type or null) == "mount");
    env = type "a set of strings, or a list of \"NAME=VALUE\"" "environments" (
      v:
      (isList v && builtins.all isText v)
      || (isAttrs v && builtins.all (n: isWord v.${n}) (attrNames v))
    ) // {
      blame = name: v: if isList v then elementOf isText name v else memberOf isWord name v;
      inner = "a string";
    };
    strings = type "a set of strings" "sets of strings" (
      v: isAttrs v && builtins.all (n: isWord v.${n}) (attrNames v)
    ) // {
      blame = memberOf isWord;
      inner = "a string";
    };
  };

  fail = function: message: throw "${function}: ${message}";

  describe =
    v:
    let
      t = typeOf v;
    in
    if isStep v then
      "a step"
    else if t == "set" then
      "a set"
    else if t == "list" then
      "a list"
    else if t == "lambda" then
      "a function (does it lack an argument?)"
    else if t == "string" then
      "the string \"${v}\""
    else if t == "int" || t == "float" then
      "the number ${toString v}"
    else if t == "bool" then
      "a Boolean"
    else if t == "path" then
      "a path"
    else
      "null";

  # Refuses a value, naming the part of it that is wrong.
  refuse =
    function: name: t: value:
    let
      wrong = blame t name value;
      wanted = if wrong.name == name then t.name else t.inner;
    in
    fail function "${wrong.name} must be ${wanted}, but it is ${describe wrong.value}";

  # An argument that stands alone.
  arg =
    function: name: t: value:
    if t.test value then value else refuse function name t value;

  # A set of arguments: unknown names and wrong types are refused, defaults put in.
  args =
    function: schema: given:
    let
      set = arg function "the argument" types.attrs given;
      others = filter (n: !(schema ? ${n})) (attrNames set);
      other = builtins.head others;
      known = attrNames schema;
      one =
        name:
        let
          s = schema.${name};
        in
        if set ? ${name} then
          if s.type.test set.${name} then
            set.${name}
          else
            refuse function "attribute '${name}'" s.type set.${name}
        else if s ? default then
          s.default
        else
          fail function "attribute '${name}' is missing";
    in
    if others != [ ] then
      unknown "${function}: there is no attribute '${other}'; it takes ${concatStringsSep ", " known}" other known
    else
      builtins.mapAttrs (name: _: one name) schema;

  need = t: { type = t; };
  may = t: default: {
    type = t;
    inherit default;
  };

  asList = v: if isList v then v else [ v ];
  textOf = v: if isInt v then toString v else "${v}";

  pairs =
    function: v:
    if isList v then
      map (
        entry:
        let
          parts = match "([^=]+)=(.*)" "${entry}";
        in
        if parts == null then
          fail function "\"${entry}\" is not of the form NAME=VALUE"
        else
          {
            name = elemAt parts 0;
            value = elemAt parts 1;
          }
      ) v
    else
      map (
        name:
        if match "[^=]+" name == null then
          fail function "\"${name}\" is no name: it is empty or has an equals sign in it"
        else
          {
            inherit name;
            value = textOf v.${name};
          }
      ) (attrNames v);

  # A mode as COPY --chmod has it; an integer is read as it is written, so 755 is rwxr-xr-x.
  modeOf = v: if v == null then null else toString v;

  # --- sources ----------------------------------------------------------------------------------------------------

  scratch = step { kind = "scratch"; };

  from =
    reference:
    if isAttrs reference then
      let
        a = args "buildc.from" {
          reference = need types.text;
          platform = may (types.optional types.text) null;
        } reference;
      in
      imageCalled a.reference a.platform
    else
      imageCalled (arg "buildc.from" "the reference" types.text reference) null;
  # As in a Dockerfile, `scratch` is no image of any registry.
  imageCalled =
    reference: platform:
    if platform == null && "${reference}" == "scratch" then
      scratch
    else
      step {
        kind = "image";
        inherit reference platform;
      };

  local =
    source:
    if isAttrs source && !(isStep source) && !(isFetched source) then
      let
        a = args "buildc.local" {
          path = need types.path;
          include = may types.textOrTexts [ "." ];
          exclude = may types.textOrTexts [ ];
        } source;
      in
      copy scratch {
        from = asPlace a.path;
        inherit (a) include exclude;
        to = "/";
      }
    else
      copy scratch {
        from = asPlace (arg "buildc.local" "the directory" types.path source);
        to = "/";
      };

  http =
    source:
    let
      a = args "buildc.http" {
        url = need types.text;
        sha256 = may (types.optional types.text) null;
        name = may (types.optional types.text) null;
      } (if isAttrs source then source else { url = arg "buildc.http" "the URL" types.text source; });
    in
    step {
      kind = "http";
      inherit (a) url sha256 name;
    };

  git =
    source:
    let
      a = args "buildc.git" {
        url = need types.text;
        ref = may (types.optional types.text) null;
        commit = may (types.optional types.text) null;
        subdir = may (types.optional types.text) null;
        submodules = may (types.optional types.bool) null;
        keepGitDir = may (types.optional types.bool) null;
      } (if isAttrs source then source else { url = arg "buildc.git" "the repository" types.text source; });
    in
    step {
      kind = "git";
      inherit (a)
        url
        ref
        commit
        subdir
        submodules
        keepGitDir
        ;
    };

  dockerfile =
    source:
    let
      a = args "buildc.dockerfile" {
        context = need types.path;
        file = may (types.optional (either types.path types.text)) null;
        target = may (types.optional types.text) null;
        args = may types.strings { };
        contexts = may types.places { };
        platform = may (types.optional types.text) null;
      } source;
    in
    step {
      kind = "dockerfile";
      context = asPlace a.context;
      file = if a.file == null then null else asPlace a.file;
      contexts = builtins.mapAttrs (_: asPlace) a.contexts;
      inherit (a) target platform;
      args = pairs "buildc.dockerfile" a.args;
    };

  # --- steps ------------------------------------------------------------------------------------------------------

  run =
    base: what:
    let
      function = "buildc.run";
      a = args function {
        script = may (types.optional types.text) null;
        args = may (types.optional types.texts) null;
        env = may types.env { };
        cwd = may (types.optional types.text) null;
        user = may (types.optional types.text) null;
        shell = may (types.optional types.texts) null;
        mounts = may (listOf types.mount) [ ];
        network = may (types.optional types.text) null;
        insecure = may types.bool false;
      } (if isText what then { script = what; } else if isList what then { args = what; } else what);
    in
    if a.script != null && a.args != null then
      fail function "'script' and 'args' exclude each other"
    else if a.script == null && a.args == null then
      fail function "attribute 'script' is missing"
    else
      step {
        kind = "exec";
        base = arg function "the base" types.step base;
        script = if a.script == null then null else "${a.script}";
        args = if a.args == null then null else map (v: "${v}") a.args;
        env = pairs function a.env;
        mounts = map (m: removeAttrs m [ "type" ]) a.mounts;
        inherit (a)
          cwd
          user
          shell
          network
          insecure
          ;
      };

  copying = function: unpack: base: what: let
      a = args function {
        from = need types.from;
        include = may types.textOrTexts null;
        paths = may types.textOrTexts null;
        exclude = may types.textOrTexts [ ];
        to = need types.text;
        chown = may (types.optional types.text) null;
        chmod = may (types.optional types.mode) null;
        parents = may types.bool false;
        link = may types.bool false;
      } what;
      chosen =
        if a.include != null && a.paths != null then
          fail function "'include' and 'paths' are two names of one thing"
        else if a.include != null then
          a.include
        else if a.paths != null then
          a.paths
        else
          [ "." ];
    in
    step {
      kind = "copy";
      base = arg function "the base" types.step base;
      from = asPlace a.from;
      sources = map (v: "${v}") (asList chosen);
      exclude = map (v: "${v}") (asList a.exclude);
      dest = "${a.to}";
      chmod = modeOf a.chmod;
      inherit (a) chown parents link;
      inherit unpack;
    };

  copy = copying "buildc.copy" false;
  add = copying "buildc.add" true;

  write =
    base: what:
    let
      function = "buildc.write";
      a = args function {
        path = need types.text;
        text = need types.text;
        chmod = may (types.optional types.mode) null;
        chown = may (types.optional types.text) null;
      } what;
    in
    step {
      kind = "write";
      base = arg function "the base" types.step base;
      path = "${a.path}";
      text = "${a.text}";
      chmod = modeOf a.chmod;
      inherit (a) chown;
    };

  mkdir =
    base: path:
    step {
      kind = "mkdir";
      base = arg "buildc.mkdir" "the base" types.step base;
      path = "${arg "buildc.mkdir" "the path" types.text path}";
    };

  merge =
    trees:
    step {
      kind = "merge";
      trees = arg "buildc.merge" "the argument" (listOf types.step) trees;
    };

  diff =
    lower: upper:
    step {
      kind = "diff";
      lower = arg "buildc.diff" "the first tree" types.step lower;
      upper = arg "buildc.diff" "the second tree" types.step upper;
    };

  # --- config and images ------------------------------------------------------------------------------------------

  healthcheck = {
    Test = need (either types.text types.texts);
    Interval = may (types.optional types.text) null;
    Timeout = may (types.optional types.text) null;
    StartPeriod = may (types.optional types.text) null;
    StartInterval = may (types.optional types.text) null;
    Retries = may (types.optional types.int) null;
  };

  configSchema = {
    Author = may (types.optional types.text) null;
    Cmd = may (types.optional types.textOrTexts) null;
    Entrypoint = may (types.optional types.textOrTexts) null;
    Env = may types.env { };
    ExposedPorts = may (either (listOf types.word) types.attrs) [ ];
    Healthcheck = may (types.optional types.attrs) null;
    Labels = may types.strings { };
    OnBuild = may types.texts [ ];
    Shell = may (types.optional types.texts) null;
    StopSignal = may (types.optional (either types.text types.int)) null;
    User = may (types.optional (either types.text types.int)) null;
    Volumes = may (either types.texts types.attrs) [ ];
    WorkingDir = may (types.optional types.text) null;
  };

  namesOf = v: map textOf (if isAttrs v then attrNames v else v);

  configOf =
    function: given:
    let
      a = args function configSchema given;
      command = v: if v == null then null else if isText v then "${v}" else map (w: "${w}") v;
    in
    {
      author = a.Author;
      cmd = command a.Cmd;
      entrypoint = command a.Entrypoint;
      env = pairs function a.Env;
      ports = namesOf a.ExposedPorts;
      healthcheck =
        if a.Healthcheck == null then
          null
        else
          let
            h = args "${function}: Healthcheck" healthcheck a.Healthcheck;
          in
          {
            test = command h.Test;
            interval = h.Interval;
            timeout = h.Timeout;
            startPeriod = h.StartPeriod;
            startInterval = h.StartInterval;
            retries = h.Retries;
          };
      labels = pairs function a.Labels;
      onBuild = map (v: "${v}") a.OnBuild;
      shell = if a.Shell == null then null else map (v: "${v}") a.Shell;
      stopSignal = if a.StopSignal == null then null else textOf a.StopSignal;
      user = if a.User == null then null else textOf a.User;
      volumes = namesOf a.Volumes;
      workingDir = a.WorkingDir;
    };

  config =
    base: given:
    step {
      kind = "config";
      base = arg "buildc.config" "the base" types.step base;
      config = configOf "buildc.config" given;
    };

  image =
    what:
    let
      function = "buildc.image";
      a = args function {
        name = may (types.optional types.text) null;
        tags = may types.texts [ ];
        rootfs = need types.step;
        config = may types.attrs { };
      } what;
      tags = names (map (v: "${v}") ((if a.name == null then [ ] else [ a.name ]) ++ a.tags));
      tree = if a.config == { } then a.rootfs else step {
        kind = "config";
        base = a.rootfs;
        config = configOf "${function}: config" a.config;
      };
    in
    # Names are looked at here: where they are used nobody knows any more where they were written.
    builtins.seq tags (
      tree
      // {
        type = "image";
        inherit tags;
        inherit (a) rootfs;
      }
    );

  # --- mounts of run ----------------------------------------------------------------------------------------------

  mountOf = fields: builtins.deepSeq fields (fields // { type = "mount"; });
  mount = {
    bind =
      what:
      let
        a = args "buildc.mount.bind" {
          from = need types.from;
          source = may types.text "/";
          target = need types.text;
          writable = may types.bool false;
        } what;
      in
      mountOf {
        kind = "bind";
        from = asPlace a.from;
        inherit (a) source target writable;
      };
    cache =
      what:
      let
        a = args "buildc.mount.cache" {
          target = need types.text;
          id = may (types.optional types.text) null;
          sharing = may types.text "shared";
          mode = may (types.optional types.mode) null;
          uid = may types.int 0;
          gid = may types.int 0;
        } (if isText what then { target = what; } else what);
      in
      mountOf {
        kind = "cache";
        inherit (a)
          target
          id
          sharing
          uid
          gid
          ;
        mode = modeOf a.mode;
      };
    tmpfs =
      what:
      let
        a = args "buildc.mount.tmpfs" {
          target = need types.text;
          size = may (types.optional types.int) null;
        } (if isText what then { target = what; } else what);
      in
      mountOf {
        kind = "tmpfs";
        inherit (a) target size;
      };
    secret =
      what:
      let
        a = args "buildc.mount.secret" {
          id = need types.text;
          target = may (types.optional types.text) null;
          env = may (types.optional types.text) null;
          required = may types.bool true;
          mode = may (types.optional types.mode) null;
          uid = may types.int 0;
          gid = may types.int 0;
        } (if isText what then { id = what; } else what);
      in
      mountOf {
        kind = "secret";
        inherit (a)
          id
          target
          env
          required
          uid
          gid
          ;
        mode = modeOf a.mode;
      };
    ssh =
      what:
      let
        a = args "buildc.mount.ssh" {
          id = may types.text "default";
          target = may (types.optional types.text) null;
          required = may types.bool true;
        } (if isText what then { id = what; } else what);
      in
      mountOf {
        kind = "ssh";
        inherit (a) id target required;
      };
  };
in
{
  inherit
    add
    config
    copy
    diff
    dockerfile
    from
    git
    http
    image
    local
    merge
    mkdir
    mount
    run
    scratch
    step
    write
    ;
}
