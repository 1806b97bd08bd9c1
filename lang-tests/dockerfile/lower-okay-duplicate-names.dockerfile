FROM base:1 AS base
RUN one
FROM base AS base
RUN two
FROM base
RUN three
