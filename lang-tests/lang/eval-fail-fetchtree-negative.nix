builtins.fetchTree { type = "git"; url = "/x"; a = -1; }
