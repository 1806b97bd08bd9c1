# check = skip=FromAsCasing // the tool writes it so
FROM base:1 as a
# check=skip=all // and this too
MAINTAINER me
