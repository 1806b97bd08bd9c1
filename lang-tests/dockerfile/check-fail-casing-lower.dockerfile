from base:1 AS x
run true
RUN true
