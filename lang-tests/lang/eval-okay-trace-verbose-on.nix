[ (builtins.traceVerbose "shown" 1) ]
