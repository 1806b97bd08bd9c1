FROM base:1 AS builder
FROM base:1
COPY --from=biulder /x /
RUN --mount=from=bilder,target=/b true
