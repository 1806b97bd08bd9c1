ARG V=1
ARG W=${V}2
FROM base:$V
RUN echo $V
ARG V
ARG W=own
ARG NONE
RUN echo $V $W
ARG a=1 b=$a
ENV a=2 c=$a
ENV d=$a
RUN x
ARG a=3
RUN y
#@ build-arg NOTUSED=1
