FROM base:1 AS one
RUN same
FROM base:1 AS two
RUN same
COPY --from=one /x /x
