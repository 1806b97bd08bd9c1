FROM base:1 AS Build
ARG X=1
ENV E=2
RUN make
FROM build AS child
RUN echo $X $E
FROM missing:9 AS unused
RUN never
FROM bare:1
COPY --from=0 /a /a
COPY --from=BUILD /b /b
COPY --from=child /c /c
COPY --from=base:1 /d /d
