let __findFile = a: b: throw "looked for ${b}"; in <x/y>
