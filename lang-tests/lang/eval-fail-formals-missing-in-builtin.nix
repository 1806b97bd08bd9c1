# A builtin calls from nowhere.
builtins.filter ({ keep, ... }: keep) [ { keep = true; } { kept = false; } ]
