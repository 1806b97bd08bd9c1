# Entries are shown as they were written; what is found through them is absolute.
[ builtins.nixPath (baseNameOf (dirOf <fn.nix>)) (builtins.isPath <near/fn.nix>) ]
