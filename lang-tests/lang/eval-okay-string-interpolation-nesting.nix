let a = { b = "B"; }; in "${"${"${a.b}"}"}${let x = "in"; in x}${if true then "t" else "f"}${with a; b}${toString [ "${a.b}" "}" ]}${''${a.b}''}"
