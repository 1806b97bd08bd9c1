let outer = 1; in rec { inner = 2; f = { arg, ... }: [ arg inner outer missing ]; }
