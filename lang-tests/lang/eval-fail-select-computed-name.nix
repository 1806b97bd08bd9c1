let
  table = { rows = [ ]; };
  column = 3;
in
table.rows.${toString column}.${column + 1}
