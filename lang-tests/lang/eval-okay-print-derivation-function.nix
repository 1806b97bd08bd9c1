[ derivation { inherit derivation; } ]
