[ (builtins.typeOf builtins.currentTime) (builtins.typeOf builtins.currentSystem) (builtins.currentTime > 1600000000) ]
