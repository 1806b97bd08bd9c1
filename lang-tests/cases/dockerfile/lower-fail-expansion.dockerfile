FROM base:1
ENV a=${u:?must be set}
LABEL b="open
WORKDIR ${x^y}
USER ${
RUN fine
