1 + derivation
