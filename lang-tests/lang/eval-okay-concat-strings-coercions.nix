[ (builtins.concatStringsSep "-" [ { outPath = "o"; } { __toString = _: "t"; } "s" ]) ("a" + { outPath = "b"; }) ({ outPath = "x"; } + "y") ({ __toString = _: "p"; } + { __toString = _: "q"; }) ]
