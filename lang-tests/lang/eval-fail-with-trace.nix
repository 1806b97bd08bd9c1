with { v = w: throw "from with ${toString w}"; }; v 3
