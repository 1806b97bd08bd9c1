FROM base:1 AS parent
RUN parent
ONBUILD RUN fired
ONBUILD ENV F=1
FROM parent AS child
RUN child
FROM child
RUN grandchild
