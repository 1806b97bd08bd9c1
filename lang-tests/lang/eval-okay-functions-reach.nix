# Functions that see little or nothing of where they are made, beside those that see much of it: what they see must be
# theirs when the calls that made them are long over.
let
  inherit (builtins) map filter foldl' genList sort all any concatMap mapAttrs elemAt length;
  top = 100;
  busy = n: foldl' (a: i: let x = a + i; y = x * 2; in if y > 1000 then x - 900 else x) 0 (genList (i: i) n);
  outerOnly = a: b: let
    constant = x: x + top;
    both = x: x + a;
    unused = x: let inner = y: y + x; in inner;
  in { inherit constant both unused; chosen = map (e: e + top) (filter (e: e > a) b); };
  made = map (n: outerOnly n [ n (n + 1) (n + 2) ]) [ 1 2 3 ];
  noise = busy 200;
  nested = a: let
    b = a + 1;
    f = c: let
      d = c + b;
      g = e: h: let i = e; in j: [ a b c d e h i j top ];
    in g;
  in f;
  withs = set: other: let
    pick = x: with set; y: [ x y value ];
    far = x: with other; with set; (z: [ value only z ]) x;
    shadow = value: with set; value;
    inFunction = with set; x: (y: [ value y ]) x;
  in [ (pick 1 2) (far 3) (shadow 4) (inFunction 5) ];
  defaults = { a ? top, b ? a + 1, f ? (x: x + b), g ? (x: x + top) }: k: { sum = f k; outer = g k; again = f (g k); };
  recursive = n: rec { value = n; get = x: value + x; far = x: top + x; deeper = x: y: rec { z = x; all = w: [ value x y z w ]; }; };
  hidden = top: let f = x: x + top; in f;
  hides = x: let f = top: y: top + y; g = y: y + top; in [ (f 1 x) (g x) ];
  sets = mapAttrs (name: n: { add = x: x + n; inherit name; more = mapAttrs (other: m: y: [ name other n m y ]) { p = 1; q = n; }; }) { u = 1; v = 2; };
  dynamic = name: { ${name} = x: y: [ name x y ]; "${name}-far" = x: x + top; };
  inherited = source: let inherit (source) f g; h = x: g (f x); in { inherit (source) f; inherit h; both = x: [ (f x) (h x) (source.f x) ]; };
  asserted = n: assert n > 0; let f = x: assert x > n; x - n; in f;
  lists = genList (i: [ (x: x + i) (x: x + top) ]) 3;
  sorted = n: sort (a: b: a * n < b * n) [ 3 1 2 ];
  kept = n: let p = x: x > n; in { any = any p [ 1 2 3 ]; all = all p [ 1 2 3 ]; map = concatMap (x: if p x then [ (y: y + x + n) ] else [ ]) [ 1 2 3 ]; };
  church = n: f: x: if n == 0 then x else church (n - 1) f (f x);
  fix = f: let x = f x; in x;
  object = fix (self: { value = 1; next = n: self // { value = self.value + n; twice = m: [ n m self.value ]; }; });
in {
  made = map (m: [ (m.constant 1) (m.both 1) (m.unused 1 2) m.chosen ]) made;
  inherit noise;
  nested = map (a: nested a (a * 2) (a * 3) (a * 4) noise) [ 1 2 ];
  withs = withs { value = "inner"; y = 7; } { value = "outer"; only = 9; };
  defaults = [ (defaults { } 1) (defaults { a = 1; } 2) (defaults { b = 5; g = x: x * 2; } 3) ];
  recursive = map (r: [ (r.get 1) (r.far 1) ((r.deeper 2 3).all 4) ]) [ (recursive 10) (recursive 20) ];
  hidden = [ (hidden 1 2) (hides 3) ];
  sets = map (s: [ (s.add 1) s.name (s.more.p 1) (s.more.q 2) ]) (builtins.attrValues sets);
  dynamic = let d = dynamic "n"; in [ (d.n 1 2) (d.n-far 3) ];
  inherited = (inherited { f = x: x + 1; g = x: x * 2; }).both 5;
  asserted = asserted 2 5;
  lists = map (l: [ (elemAt l 0 1) (elemAt l 1 1) (length l) ]) lists;
  sorted = [ (sorted 1) (sorted (-1)) ];
  kept = map (k: [ k.any k.all (map (f: f 1) k.map) ]) [ (kept 0) (kept 2) (kept 3) ];
  church = church 50 (x: x + 1) 0;
  object = (object.next 5).twice 6 ++ [ ((object.next 2).next 3).value ];
}
