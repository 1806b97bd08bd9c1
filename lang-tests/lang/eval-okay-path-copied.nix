[ "${./data/numbers.txt}" "${./tree}" (toString ./tree == "${./tree}") (builtins.toJSON ./data/numbers.txt) (builtins.hasContext "${./tree}") (builtins.concatStringsSep "" [ ./data/numbers.txt ]) ]
