# It is the words of the flags that are evaluated: the second file is looked for in the search path.
"first"
