# The first file is looked for in the search path.
"second"
