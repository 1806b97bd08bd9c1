FROM base:1
ENV d=sub
WORKDIR /
WORKDIR a/../b
WORKDIR $d
USER u
WORKDIR /c//d/./
RUN x
