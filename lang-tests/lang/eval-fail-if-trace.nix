if (throw "condition") then 1 else 2
