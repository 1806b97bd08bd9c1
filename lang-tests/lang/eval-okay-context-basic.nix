let
  d = derivation { name = "d"; system = "s"; builder = "/b"; outputs = [ "out" "dev" ]; };
  f = builtins.toFile "f" "text";
  ctx = builtins.getContext;
in {
  plain = ctx "none";
  file = ctx f;
  out = ctx d.outPath;
  both = ctx "${d} ${d.dev} ${f}";
  drv = ctx d.drvPath;
  discarded = ctx (builtins.unsafeDiscardStringContext "${d}");
  outputDependency = ctx (builtins.unsafeDiscardOutputDependency d.drvPath);
  addedBack = ctx (builtins.addDrvOutputDependencies (builtins.unsafeDiscardOutputDependency d.drvPath));
  has = map builtins.hasContext [ "x" f d.outPath (builtins.unsafeDiscardStringContext f) ];
  substring = [ (ctx (builtins.substring 0 3 f)) (ctx (builtins.substring 0 0 f)) ];
  replaced = ctx (builtins.replaceStrings [ "a" ] [ f ] "banana");
  notReplaced = ctx (builtins.replaceStrings [ "q" ] [ f ] "banana");
  joined = ctx (builtins.concatStringsSep f [ "a" "b" ]);
  joinedOne = ctx (builtins.concatStringsSep f [ "a" ]);
  split = map (x: if builtins.isString x then builtins.hasContext x else x) (builtins.split "-" "a-${f}");
  match = map builtins.hasContext (builtins.match "(.*)-(.*)" "x-${f}");
  json = ctx (builtins.toJSON { a = f; b = d; });
  xml = ctx (builtins.toXML [ f ]);
  toString = ctx (toString [ f d ]);
  length = builtins.stringLength f;
  base = ctx (baseNameOf f);
  dir = ctx (dirOf f);
  fromJSON = ctx (builtins.fromJSON (builtins.unsafeDiscardStringContext (builtins.toJSON f)));
  names = builtins.attrNames (builtins.groupBy (x: "k") [ f ]);
  hash = ctx (builtins.hashString "sha256" f);
  equal = f == builtins.unsafeDiscardStringContext f;
  path = builtins.typeOf (/. + "x");
}
