FROM base:1
ENV v=/usr/local/bin.tar.gz e= s='single $v' q="double $v \" \$"
LABEL a=${v#*/} b=${v##*/} c=${v%.*} d=${v%%.*} e=${v/local/LOCAL} f=${v//\//_} g=${e:-empty} h=${e-set} i=${u:+no}${v:+yes} "k$e"=l m=a\ b n=${u:-${e:-deep}}
LABEL legacy  two $v words
