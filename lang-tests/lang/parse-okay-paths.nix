[
  ./a
  ./a/b.nix
  ../up
  ./.
  ../.
  /absolute/path
  a/b
  a/b/c.d-e_f+g
  ~/home
  <nixpkgs>
  <nixpkgs/lib/default.nix>
  ./${"a"}/b
  ./a${"b"}c/${toString 1}.nix
  /x/${"y"}
]
