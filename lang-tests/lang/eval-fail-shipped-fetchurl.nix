(import <nix/fetchurl.nix> { url = "a"; executable = 3; }).outPath
