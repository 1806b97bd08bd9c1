builtins.appendContext "x" { "/nix/store/zg2f0qkx8qh7l5xvbqg4v3dmq60zwvbr-x" = { outputs = [ "out" ]; }; }
