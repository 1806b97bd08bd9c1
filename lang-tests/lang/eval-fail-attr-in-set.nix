{ fine = 1; sub = { worse = throw "in attribute"; }; }
