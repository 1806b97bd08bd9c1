let __sub = a: b: throw "my sub ${toString a} ${toString b}"; in 5 - 3
