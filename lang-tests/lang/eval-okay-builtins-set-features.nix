builtins.attrNames builtins ++ [ fetchTree __fetchClosure __outputOf __getFlake ]
