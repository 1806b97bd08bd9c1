<not-on-the-path/at-all.nix>
