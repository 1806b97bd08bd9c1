FROM base:1
EXPOSE http
STOPSIGNAL SIGNONE
VOLUME $none
RUN --mount=target=/ x
