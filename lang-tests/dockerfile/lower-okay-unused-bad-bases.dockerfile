FROM missing:1 AS unused
RUN --mount=from=gone:1,target=/x y
FROM base:1
RUN x
