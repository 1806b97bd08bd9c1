FROM base:1
COPY --from=3 /a /b
