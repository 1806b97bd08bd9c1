FROM base:1 AS one
COPY --from=one /a /b
