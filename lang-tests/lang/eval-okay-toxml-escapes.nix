builtins.toXML { "a<b>\"&'" = "c<d>\"&'\n\t\r"; n = -1.5; e = ""; }
