ARG V=1
FROM base:$V
ARG V=stage
ARG E=default
ENV E=env
ARG T
RUN x $V
#@ build-arg V=1
#@ build-arg E=cli
#@ build-arg T
#@ build-arg HTTP_PROXY=http://p
#@ build-arg no_proxy=h
