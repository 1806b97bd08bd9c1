let at = __curPos; in throw "at ${toString at.line}:${toString at.column}"
