let p = builtins.path; in [
  (p { path = ./data/numbers.txt; })
  (p { path = ./data/numbers.txt; name = "renamed"; })
  (p { path = ./tree; name = "tree"; })
  (p { path = ./tree; name = "filtered"; filter = n: t: t != "directory" && baseNameOf n != "skip.me"; })
  (p { path = ./data/numbers.txt; recursive = false; name = "flat"; })
  (p { path = ./data/numbers.txt; sha256 = "14c5e74c4b96ccef41cd94db73a9ec3348038ac094feca4fd897cecffa07cdae"; recursive = false; })
  (builtins.filterSource (n: t: t == "regular") ./tree)
  (builtins.getContext (p { path = ./tree; name = "tree"; }))
]
