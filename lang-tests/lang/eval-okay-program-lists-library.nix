let
  inherit (builtins) head tail length elemAt foldl' filter map genList concatLists concatMap sort elem any all partition;
  range = a: b: if a > b then [ ] else genList (i: a + i) (b - a + 1);
  foldr = op: nul: list: let n = length list; go = i: if i == n then nul else op (elemAt list i) (go (i + 1)); in go 0;
  last = l: elemAt l (length l - 1); init = l: genList (elemAt l) (length l - 1);
  take = n: l: genList (elemAt l) (if n < length l then n else length l); drop = n: l: if n >= length l then [ ] else genList (i: elemAt l (i + n)) (length l - n);
  reverse = l: let n = length l; in genList (i: elemAt l (n - i - 1)) n;
  zipWith = f: a: b: genList (i: f (elemAt a i) (elemAt b i)) (if length a < length b then length a else length b);
  unique = foldl' (acc: x: if elem x acc then acc else acc ++ [ x ]) [ ];
  flatten = x: if builtins.isList x then concatMap flatten x else [ x ];
  chunks = n: l: if l == [ ] then [ ] else [ (take n l) ] ++ chunks n (drop n l);
  permutations = l: if l == [ ] then [ [ ] ] else concatMap (i: map (p: [ (elemAt l i) ] ++ p) (permutations (take i l ++ drop (i + 1) l))) (range 0 (length l - 1));
  subsets = l: foldl' (acc: x: acc ++ map (s: s ++ [ x ]) acc) [ [ ] ] l;
  quicksort = l: if l == [ ] then [ ] else let p = partition (x: x < head l) (tail l); in quicksort p.right ++ [ (head l) ] ++ quicksort p.wrong;
  compareLists = cmp: a: b: if a == [ ] then (if b == [ ] then 0 else -1) else if b == [ ] then 1 else let r = cmp (head a) (head b); in if r == 0 then compareLists cmp (tail a) (tail b) else r;
  naturalSort = l: let key = s: map (x: if builtins.isList x then builtins.fromJSON (head x) else x) (builtins.split "(0|[1-9][0-9]*)" s); in map (x: x.s) (sort (a: b: a.k < b.k) (map (s: { inherit s; k = key s; }) l));
  crossLists = f: foldl' (fs: args: concatMap (f: map f args) fs) [ f ];
  imap1 = f: l: genList (i: f (i + 1) (elemAt l i)) (length l);
in {
  range = range 3 7; foldr = foldr (a: b: "(${toString a} ${b})") "nil" (range 1 4); ends = [ (last [ 1 2 3 ]) (init [ 1 2 3 ]) ];
  slices = [ (take 2 [ 1 2 3 ]) (take 9 [ 1 ]) (drop 2 [ 1 2 3 ]) (drop 9 [ 1 ]) (reverse [ 1 2 3 ]) ];
  zip = zipWith (a: b: "${a}${toString b}") [ "a" "b" "c" ] [ 1 2 ]; unique = unique [ 1 2 1 { } { } [ ] [ ] "1" ]; flatten = flatten [ 1 [ 2 [ 3 [ ] ] ] [ [ [ 4 ] ] ] ];
  chunks = chunks 2 (range 1 5); permutations = permutations [ 1 2 3 ]; subsets = length (subsets (range 1 8)); quicksort = quicksort [ 3 1 4 1 5 9 2 6 ];
  compare = compareLists (a: b: a - b) [ 1 2 ] [ 1 3 ]; natural = naturalSort [ "file10" "file9" "file1" "a2b10" "a2b9" ]; cross = crossLists (x: y: "${toString x}${toString y}") [ [ 1 2 ] [ 3 4 ] ]; imap = imap1 (i: v: "${v}-${toString i}") [ "a" "b" ];
}
