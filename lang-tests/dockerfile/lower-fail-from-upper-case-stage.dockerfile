FROM base:1 AS foo
FROM FOO
