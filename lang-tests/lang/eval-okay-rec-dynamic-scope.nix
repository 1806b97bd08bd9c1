let x = "outer"; in rec { ${"x"} = "inner"; y = x; ${"z" + ""} = y; w = { inherit x; }; }
