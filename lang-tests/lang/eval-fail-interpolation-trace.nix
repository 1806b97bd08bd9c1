"a${"b${throw "deep in a string"}"}c"
