FROM --platform=linux/arm64 base:1 AS arm
FROM base:1
COPY --from=arm /a /a
