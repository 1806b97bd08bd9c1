FROM a
COPY a <<E
x
E
COPY <<"E F" /x
x
E F
RUN <<END
never closed
