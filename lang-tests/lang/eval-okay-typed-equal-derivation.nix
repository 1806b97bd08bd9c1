let mk = n: derivation { name = n; system = "s"; builder = "/b"; }; in [ (mk "a" == mk "a") (mk "a" == mk "b") ((mk "a" // { z = 1; }) == mk "a") ]
