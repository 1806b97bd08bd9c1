FROM base:1 AS scratch
FROM base:1 AS a
FROM base:1 AS A
FROM base:1 AS context
