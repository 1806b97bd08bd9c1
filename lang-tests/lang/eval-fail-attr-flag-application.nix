{
  doubled = builtins.mapAttrs (name: value: value + value) { number = 2; nothing = null; };
}
