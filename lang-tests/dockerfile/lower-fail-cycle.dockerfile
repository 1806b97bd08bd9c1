FROM base:1 AS one
COPY --from=two /a /b
FROM base:1 AS two
RUN --mount=from=one,target=/x y
