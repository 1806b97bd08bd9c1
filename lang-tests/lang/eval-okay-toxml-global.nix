[ __toXML (builtins ? toXML) ]
