# Writing and reading JSON of several megabytes.
let
  inherit (builtins) toJSON fromJSON genList length foldl' stringLength;
  mod = a: b: a - b * (a / b);
  document = genList (i: { id = i; name = "item ${toString i}"; tags = genList (k: "tag-${toString (mod (i + k) 50)}") 4; price = i * 0.25; nested = { deep = { flag = mod i 2 == 0; none = null; text = "quote \" and \\ and\n newline é"; }; }; }) 14000;
  text = toJSON document;
  back = fromJSON text;
in [ (stringLength text) (length back) (foldl' (a: x: a + x.id) 0 back) (toJSON back == text) ]
