map (e: { inherit (e) prefix; name = baseNameOf e.path; }) builtins.nixPath
