FROM docker.io/library/alpine:latest AS first
FROM alpine AS second
FROM index.docker.io/tool:3 AS third
FROM first
COPY --from=library/alpine a /a
COPY --from=second b /b
RUN --mount=from=tool:3,target=/t x
#@ context alpine
#@ context docker.io/library/tool:3
