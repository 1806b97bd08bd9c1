{
  compare = map (p: builtins.compareVersions (builtins.elemAt p 0) (builtins.elemAt p 1)) [ [ "1.0" "1.0" ] [ "1.0" "1.1" ] [ "1.10" "1.9" ] [ "1.0pre1" "1.0" ] [ "1.0" "1.0a" ] [ "2.3a" "2.3b" ] [ "1.0" "1" ] [ "1.0-1" "1.0.1" ] [ "" "" ] [ "" "1" ] [ "1.2.3" "1.2.3.4" ] [ "a" "1" ] [ "1.pre" "1.a" ] [ "01" "1" ] [ "1..2" "1.2" ] ];
  split = map builtins.splitVersion [ "1.2.3" "1.2pre4-rc1" "" "..a1" "v1.0_2" "1.0b2" ];
  names = map builtins.parseDrvName [ "hello-1.2.3" "nix-0.12pre12876" "foo" "foo-bar" "a-b-1" "foo-1-2" "-1" "foo-" "foo-a1" "1-2" "x-1.2.drv" ];
}
