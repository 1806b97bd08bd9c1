builtins.groupBy (x: if x.age > 30 then "old" else "young") [ { n = "a"; age = 40; } { n = "b"; age = 20; } { n = "c"; age = 50; } { n = "d"; age = 10; } ]
