builtins.addErrorContext "while doing my thing" (builtins.addErrorContext "inner ${toString 2}" (throw "bottom"))
