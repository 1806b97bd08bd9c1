{ inherit "w w"; }
