FROM missing:1
COPY --from=missing:1 /a /b
