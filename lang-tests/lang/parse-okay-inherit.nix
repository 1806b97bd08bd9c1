x: let inherit x; inherit (x) a b; in { inherit x a; inherit ({ c = 1; d = 2; }) c d; }
