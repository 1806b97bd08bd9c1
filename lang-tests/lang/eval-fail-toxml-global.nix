toXML 1
