with { a = 1; }; with { c = 1; }; a + bb
