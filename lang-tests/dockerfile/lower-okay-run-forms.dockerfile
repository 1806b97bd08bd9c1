FROM base:1
RUN ["a", "b $x"]
SHELL ["/bin/bash", "-c"]
RUN a   "b" $HOME
USER u:g
WORKDIR /w
RUN --network=host --security=insecure c
