FROM base:1 AS build-
FROM base:1 AS a..b
FROM base:1 AS a_-b
FROM base:1 AS a--b
FROM --platform=local base:1
