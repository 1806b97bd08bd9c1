# Two functions in turns: what was shown once is not shown again, however long ago.
let
  ping = left: n: if n > 0 then ping left (n - 1) else if left > 0 then pong (left - 1) 8 else throw "over";
  pong = left: n: if n > 0 then pong left (n - 1) else ping left 8;
in
ping 2 8
