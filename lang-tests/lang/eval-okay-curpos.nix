let f = x:
  __curPos;
in { here = builtins.removeAttrs __curPos [ "file" ]; there = builtins.removeAttrs (f 1) [ "file" ]; file = baseNameOf __curPos.file; }
