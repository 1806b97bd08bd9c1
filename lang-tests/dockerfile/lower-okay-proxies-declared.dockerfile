FROM base:1
ARG http_proxy
RUN x
#@ build-arg http_proxy=http://p
