builtins.parseFlakeRef "/a#%zz"
