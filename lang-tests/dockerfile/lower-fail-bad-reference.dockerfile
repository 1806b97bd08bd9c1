FROM Foo
FROM base:1 AS x
COPY --from=a//b /x /x
