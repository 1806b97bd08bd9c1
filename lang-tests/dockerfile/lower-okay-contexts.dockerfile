FROM base:1 AS dep
RUN never
FROM lib AS onctx
COPY --from=dep /a /a
RUN --mount=from=lib,target=/l x
#@ context dep
#@ context lib
