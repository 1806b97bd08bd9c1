FROM a
ENV a=1 b="x y" c='z w' d=m\ n e=
ENV legacy one  two = 3
LABEL "k 1"=v k2="multi\
  line"
LABEL k v
ARG A B= C="d e"
