if derivation then 1 else 2
