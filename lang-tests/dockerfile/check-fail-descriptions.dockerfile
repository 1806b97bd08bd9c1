# check=experimental=all
# anything at all
ARG VERSION=1

# VERSION is the version
ARG VERSION=2
# base is the base
FROM base:1 AS base
# wrong above a named stage
FROM base:1 AS other
# above a stage without a name
FROM base:1
# several
ARG a b
