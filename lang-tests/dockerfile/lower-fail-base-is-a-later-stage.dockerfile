FROM base:1 AS app
FROM tool
COPY --from=app /a /b
FROM base:1 AS tool
COPY --from=1 /a /b
