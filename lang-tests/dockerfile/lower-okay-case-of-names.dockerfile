FROM base:1 AS Foo
RUN x
FROM base:1 AS other
COPY --from=FOO /a /b
RUN --mount=from=fOO,target=/m y
