[ { } [ ] "" '''' (let in { }) (rec { }) ({ }: { }) (builtins.attrNames { }) (builtins.concatStringsSep "x" [ ]) ({ } // { }) ([ ] ++ [ ]) ({ } == { }) (builtins.length [ ]) ]
