# Text: joining, cutting, replacing, hashing, interpolation.
let
  inherit (builtins) concatStringsSep genList stringLength substring replaceStrings foldl' hashString toString length filter;
  lines = genList (i: "line ${toString i}: the quick brown fox jumps over the lazy dog") 20000;
  text = concatStringsSep "\n" lines;
  chars = s: genList (i: substring i 1 s) (stringLength s);
  upper = replaceStrings [ "a" "b" "c" "d" "e" "f" "g" "h" "i" "j" "k" "l" "m" "n" "o" "p" "q" "r" "s" "t" "u" "v" "w" "x" "y" "z" ] [ "A" "B" "C" "D" "E" "F" "G" "H" "I" "J" "K" "L" "M" "N" "O" "P" "Q" "R" "S" "T" "U" "V" "W" "X" "Y" "Z" ];
  padded = map (l: if stringLength l < 60 then l + substring 0 (60 - stringLength l) "............................................................" else l) lines;
in [
  (stringLength text)
  (stringLength (upper text))
  (length (filter (c: c == "o") (chars (substring 0 200000 text))))
  (stringLength (replaceStrings [ "quick brown" "lazy" "missing" ] [ "slow" "energetic" "none" ] text))
  (hashString "sha256" text)
  (stringLength (concatStringsSep "" padded))
  (stringLength (foldl' (acc: l: if stringLength acc > 4000 then l else "${acc}/${l}") "" lines))
]
