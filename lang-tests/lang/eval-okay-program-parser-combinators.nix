# A parser for arithmetic, built from combinators; positions in errors.
let
  inherit (builtins) substring stringLength match head elemAt foldl' isNull concatStringsSep;
  ok = value: pos: { inherit value pos; };
  bad = pos: expected: { error = "expected ${expected} at ${toString pos}"; inherit pos; };
  failed = r: r ? error;
  pure = v: s: p: ok v p;
  bind = m: f: s: p: let r = m s p; in if failed r then r else f r.value s r.pos;
  fmap = f: m: bind m (v: pure (f v));
  then' = a: b: bind a (_: b);
  before = a: b: bind a (v: bind b (_: pure v));
  or' = a: b: s: p: let r = a s p; in if failed r && r.pos == p then b s p else r;
  choice = ps: foldl' or' (head ps) (builtins.tail ps);
  many = m: s: p: let r = m s p; in if failed r then (if r.pos == p then ok [ ] p else r) else let rest = many m s r.pos; in if failed rest then rest else ok ([ r.value ] ++ rest.value) rest.pos;
  regex = name: re: s: p: let m = match "(${re}).*" (substring p (-1) s); in if isNull m then bad p name else ok (head m) (p + stringLength (head m));
  lexeme = m: before m (regex "space" "[ \n\t]*");
  sym = c: lexeme (regex "'${c}'" "[${c}]");
  number = lexeme (fmap (v: { num = builtins.fromJSON v; }) (regex "number" "[0-9]+([.][0-9]+)?"));
  ident = lexeme (fmap (v: { var = v; }) (regex "identifier" "[a-z]+"));
  eof = s: p: if p >= stringLength s then ok null p else bad p "end of input";
  chain = operand: ops: bind operand (first: fmap (foldl' (l: r: { op = r.op; left = l; right = r.right; }) first) (many (bind (choice (map sym ops)) (op: fmap (right: { inherit op right; }) operand))));
  atom = choice [ number ident (bind (sym "(") (_: before expr (sym ")"))) (bind (sym "-") (_: fmap (v: { op = "neg"; left = v; }) atom)) ];
  product = chain atom [ "*" "/" ];
  expr = s: p: chain product [ "+" "\\-" ] s p;
  parse = s: let r = then' (regex "space" "[ ]*") (before expr eof) s 0; in r.error or (r.value);
  eval = env: e:
    if e ? num then e.num else if e ? var then env.${e.var} or (throw "unbound ${e.var}")
    else if e.op == "neg" then -(eval env e.left)
    else let l = eval env e.left; r = eval env e.right; in { "+" = l + r; "-" = l - r; "*" = l * r; "/" = l / r; }.${e.op};
  show = e: if e ? num then toString e.num else if e ? var then e.var else if e.op == "neg" then "(-${show e.left})" else "(${show e.left}${e.op}${show e.right})";
  run = s: let t = parse s; in if builtins.isString t then t else { text = show t; value = builtins.tryEval (eval { x = 7; y = 0.5; } t); };
in map run [ "1+2*3" "(1+2)*3" " 10 / 2 - 3 " "2*x+y" "-(4-6)*3" "1+" "(1" "2 $ 3" "z" "1.5*4" "8/2/2" "1-2-3" ]
