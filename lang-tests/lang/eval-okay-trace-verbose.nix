[ (builtins.traceVerbose "hidden" 1) ]
