FROM --plattform=x a
RUN --mouth=x y
COPY --link=maybe a b
COPY --from a b
COPY --chown=1 --chown=2 a b
WORKDIR --x /a
RUN --network=lan y
RUN --security=off y
