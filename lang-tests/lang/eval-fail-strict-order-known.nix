{
  colour = throw "colour";
  strict = throw "strict";
  hashString = throw "hashString";
  description = throw "description";
}
