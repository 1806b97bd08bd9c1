let d = derivation { name = throw "name is not needed"; builder = "b"; system = "s"; foo = 1; }; in [ d.foo d.type d.outputName (d ? outPath) ]
