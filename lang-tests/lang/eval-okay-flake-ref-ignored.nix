map builtins.parseFlakeRef [ "/a?&b" "https://x/?a b&c=" ]
