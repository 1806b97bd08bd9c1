# Of several missing arguments the one is named whose name was seen first, and Nix has seen some before any program.
({ colour, x, operator }: colour) { }
