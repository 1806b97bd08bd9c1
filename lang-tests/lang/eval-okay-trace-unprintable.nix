# What a terminal would obey is not written: sequences go, tabs become spaces.
let
  esc = builtins.fromJSON ''"\u001b"'';
  bell = builtins.fromJSON ''"\u0007"'';
  back = builtins.fromJSON ''"\u0008"'';
  say = text: builtins.trace text;
in
say "a\tb\rc${bell}d\té世\tz"
say "${esc}[31mred${esc}[0m ${esc}[1;2Kx ${esc}[ \"#q ${esc}[é"
say "${esc}]8;;http://x${esc}\\link${esc}]8;;${esc}\\ end"
say "${esc}]0;title${bell}to the next ${esc}[0m escape"
say "${esc}]never ended"
say "${esc}(B ${esc}= ${esc}M ${esc}_ ${esc}` ${esc}é a${back}b"
say { tab = "x\ty"; }
say "at the end ${esc}"
say "at the end ${esc}["
say "\t\ttwo tabs\n\tand a line"
1
