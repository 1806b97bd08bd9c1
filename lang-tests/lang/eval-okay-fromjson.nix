builtins.fromJSON ''
  { "int": 1, "neg": -5, "zero": 0, "float": 1.5, "exp": 1e3, "exp2": 1.5E-2, "big": 9223372036854775807, "true": true, "false": false, "null": null,
    "str": "esc \" \\ \/ \b \f \n \r \t \u00e9 \u6f22 \ud83d\ude42", "empty": "", "list": [1, [], [[2]], {}], "obj": {"b": 1, "a": {"c": []}}, "dup": 1, "dup": 2, "a b": 3 }
''
