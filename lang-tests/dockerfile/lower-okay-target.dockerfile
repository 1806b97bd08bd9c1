FROM base:1 AS one
RUN one
FROM base:1 AS two
RUN two
#@ target ONE
#@ label a=b
