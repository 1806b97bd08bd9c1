FROM base:1
MAINTAINER "me" $PATH
USER a
EXPOSE 80 81-82/UDP 127.0.0.1:1:2
ENV PORTS="90 91/tcp"
EXPOSE $PORTS
VOLUME /a /b
VOLUME ["/c d"]
STOPSIGNAL SIGRTMIN+3
HEALTHCHECK --interval=30s --retries=3 CMD curl "x"
CMD echo "hi"
ENTRYPOINT ["a", "b\tc"]
SHELL ["/bin/bash", "-c"]
CMD again
