#!/usr/bin/env buildc
# check=skip=StageNameCasing, FromAsCasing
FROM base:1 as Name
# check=skip=UndefinedVar,MaintainerDeprecated
COPY $x /y
# check=skip=all
MAINTAINER me
