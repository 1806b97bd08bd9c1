[ a -b ]
