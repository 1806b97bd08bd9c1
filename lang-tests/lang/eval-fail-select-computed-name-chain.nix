let
  table.rows.first = { };
  index = [ "first" ];
in
table.rows.${builtins.head index}.${{ name = "x"; }}
