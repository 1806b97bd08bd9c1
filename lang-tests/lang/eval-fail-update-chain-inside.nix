let base = { a = 1; }; in base // (if base.a == 1 then { } // (let x = { } // [ ]; in x) else { })
