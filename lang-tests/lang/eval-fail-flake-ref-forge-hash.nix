builtins.parseFlakeRef "github:a/b?rev=zz"
