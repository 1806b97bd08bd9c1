builtins.parseFlakeRef "a?b=c#%4"
