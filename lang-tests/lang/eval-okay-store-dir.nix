[ builtins.storeDir (builtins.langVersion) (builtins.nixVersion != "") (builtins.compareVersions builtins.nixVersion "2.34" >= 0) ]
