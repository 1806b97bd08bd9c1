# Output formats: INI, JSON, shell and an own pretty printer.
let
  inherit (builtins) attrNames isAttrs isList isString isBool isInt isFloat concatStringsSep replaceStrings toJSON map mapAttrs filter isFunction match;
  ini = sections: concatStringsSep "\n" (map (s: "[${s}]\n" + concatStringsSep "" (map (k: "${k}=${scalar sections.${s}.${k}}\n") (attrNames sections.${s}))) (attrNames sections));
  scalar = v: if isBool v then (if v then "true" else "false") else if v == null then "null" else toString v;
  shellQuote = s: if match "[a-zA-Z0-9_./-]+" s != null then s else "'${replaceStrings [ "'" ] [ "'\\''" ] s}'";
  cli = opts: concatStringsSep " " (builtins.concatMap (n: let v = opts.${n}; flag = if builtins.stringLength n == 1 then "-${n}" else "--${n}"; in if v == true then [ flag ] else if v == false || v == null then [ ] else if isList v then map (x: "${flag} ${shellQuote (toString x)}") v else [ "${flag} ${shellQuote (toString v)}" ]) (attrNames opts));
  ident = s: if match "[a-zA-Z_][a-zA-Z0-9_'-]*" s != null then s else toJSON s;
  pretty = indent: v:
    let inner = indent + "  "; block = open: close: items: if items == [ ] then "${open} ${close}" else "${open}\n" + concatStringsSep "" (map (i: "${inner}${i}\n") items) + "${indent}${close}"; in
    if isAttrs v then block "{" "}" (map (n: "${ident n} = ${pretty inner v.${n}};") (attrNames v))
    else if isList v then block "[" "]" (map (pretty inner) v)
    else if isFunction v then "<function${let a = builtins.functionArgs v; in if a == { } then "" else " {${concatStringsSep "," (attrNames a)}}"}>"
    else if isString v then toJSON v else scalar v;
in [
  (ini { core = { editor = "vi"; bare = false; n = 3; }; user = { name = "A"; empty = null; }; })
  (cli { v = true; quiet = false; output = "a file"; I = [ "x" "it's" ]; jobs = 4; none = null; })
  (pretty "" { a = 1; "b c" = [ 1 "two" null [ ] { } ]; f = x: x; g = { p, q ? 1 }: p; nested.deep.er = true; fl = 1.5; })
]
