[ 1 { a = throw "printed late"; } ]
