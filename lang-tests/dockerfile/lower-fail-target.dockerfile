FROM base:1 AS build
FROM base:1 AS test
#@ target biuld
