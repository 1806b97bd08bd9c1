# Each default is itself a selection with one.
let
  merged = { optional = { }; };
  type = { empty.kind = "none"; };
in
merged.optional.value or type.empty.value or (merged.optional.${"value"} or merged.missing)
