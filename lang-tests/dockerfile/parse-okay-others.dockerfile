FROM scratch
user me
WorkDir /a b
EXPOSE 80 81/udp $P
VOLUME /a "/b
STOPSIGNAL 9
MAINTAINER me <a@b>
HEALTHCHECK --interval=1m30s --timeout=3s --start-period=1s --start-interval=500ms --retries=3 cmd curl -f x
HEALTHCHECK CMD ["a", "b"]
HEALTHCHECK none
ONBUILD COPY . /x
CMD echo hi
ENTRYPOINT ["a"]
