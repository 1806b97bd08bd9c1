let l = [ 3 1 2 ]; in {
  basics = [ (builtins.length l) (builtins.head l) (builtins.tail l) (builtins.elemAt l 1) (l ++ [ 4 ]) ([ ] ++ l) (l ++ [ ]) (builtins.elem 2 l) (builtins.elem 9 l) (builtins.elem [ 1 ] [ [ 1 ] ]) ];
  map = map (x: x * 2) l;
  filter = builtins.filter (x: x > 1) l;
  fold = builtins.foldl' (a: b: a * 10 + b) 0 l;
  foldNone = builtins.foldl' (a: b: throw "never called") 7 [ ];
  genList = builtins.genList (i: i * i) 5;
  all = [ (builtins.all (x: x > 0) l) (builtins.all (x: x > 1) l) ];
  any = [ (builtins.any (x: x > 2) l) (builtins.any (x: x > 3) l) ];
  concat = builtins.concatLists [ [ 1 ] [ ] [ 2 3 ] ];
  concatMap = builtins.concatMap (x: [ x x ]) l;
  partition = builtins.partition (x: x < 3) l;
  groupBy = builtins.groupBy (x: if x > 1 then "big" else "small") l;
  sort = builtins.sort (a: b: a < b) l;
  sortBuiltin = builtins.sort builtins.lessThan [ 5 3 9 1 ];
  stable = builtins.sort (a: b: a.k < b.k) [ { k = 2; v = "a"; } { k = 1; v = "b"; } { k = 2; v = "c"; } { k = 1; v = "d"; } ];
  sortDown = builtins.sort (a: b: a > b) [ 1 2 3 1 2 3 ];
  sortStrings = builtins.sort (a: b: a < b) [ "b" "a" "B" "" "aa" ];
  catAttrs = builtins.catAttrs "a" [ { a = 1; } { b = 2; } { a = 3; } ];
  equalLazy = builtins.length [ (throw "a") (throw "b") ];
}
