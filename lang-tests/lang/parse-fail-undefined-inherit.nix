{ inherit a b; }
