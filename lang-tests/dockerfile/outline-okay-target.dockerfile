FROM base:1
ARG A
FROM base:1 AS second
FROM scratch AS last
COPY --from=0 /x /y
#@ target second
