FROM trigger:1
RUN own
ONBUILD RUN later
