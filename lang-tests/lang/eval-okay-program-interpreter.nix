# A stack machine and its assembler.
let
  inherit (builtins) head tail elemAt length listToAttrs genList filter isString split foldl' concatStringsSep;
  lines = text: filter (l: l != "") (filter isString (split "\n" text));
  words = l: filter (w: isString w && w != "") (split " +" l);
  assemble = text: let
      ls = lines text; isLabel = l: builtins.match "([a-z]+):" l;
      walk = foldl' (st: l: let m = isLabel l; in if m == null then { code = st.code ++ [ (words l) ]; inherit (st) labels; } else { inherit (st) code; labels = st.labels // { ${head m} = length st.code; }; }) { code = [ ]; labels = { }; } ls;
    in walk;
  run = text: let
      p = assemble text;
      step = st: let
          ins = elemAt p.code st.pc; op = head ins; arg = elemAt ins 1; a = head st.stack; b = head (tail st.stack); rest = tail (tail st.stack);
          next = st // { pc = st.pc + 1; };
        in {
          push = next // { stack = [ (builtins.fromJSON arg) ] ++ st.stack; };
          load = next // { stack = [ st.vars.${arg} ] ++ st.stack; };
          store = next // { vars = st.vars // { ${arg} = a; }; stack = tail st.stack; };
          add = next // { stack = [ (b + a) ] ++ rest; };
          mul = next // { stack = [ (b * a) ] ++ rest; };
          sub = next // { stack = [ (b - a) ] ++ rest; };
          jnz = if a != 0 then next // { pc = p.labels.${arg}; stack = tail st.stack; } else next // { stack = tail st.stack; };
          print = next // { out = st.out ++ [ a ]; stack = tail st.stack; };
          halt = st // { done = true; };
        }.${op} or (throw "bad instruction ${op} at ${toString st.pc}");
      go = st: if st.done then st else go (step st);
    in (go { pc = 0; stack = [ ]; vars = { }; out = [ ]; done = false; }).out;
  factorial = n: ''
    push ${toString n}
    store n
    push 1
    store r
    loop:
    load r
    load n
    mul
    store r
    load n
    push 1
    sub
    store n
    load n
    jnz loop
    load r
    print
    halt
  '';
in [ (run (factorial 5)) (run (factorial 10)) (builtins.tryEval (run "push 1\nfrobnicate\n")).success ]
