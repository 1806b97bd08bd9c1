"${builtins.listToAttrs (builtins.genList (i: { name = "n${toString i}"; value = i; }) 40)}"
