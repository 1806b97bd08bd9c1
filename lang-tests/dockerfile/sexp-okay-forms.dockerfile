# A file that cannot be built: the dump does not care.
from   busybox:1.36	AS  Base
RUN echo 'a  b' "c" \t $HOME \
    && true
run ["sh", "-c", "a \"b\" \u00e9\n"]
RUN []
CMD
CMD ["a",]
ENTRYPOINT [ 'a' ]
SHELL [ "a" , "b" ]
COPY --from=0 --chown="a b:c" --link a "b c" d
COPY ["a b", "c"]
ADD --keep-git-dir=\"x\" https://example.com/x.git#main /x
VOLUME /a  /b
VOLUME ["/a b"]
EXPOSE 80 $P/tcp
USER  a b
WORKDIR /a b/
STOPSIGNAL 9
MAINTAINER "Me" <me@example.com>
ARG A B= C="d e" f\ g
NOPE a b
ENV
LABEL
ARG
COPY
EXPOSE
USER
RUN --mount=type=cache,target="/a b" --network=none -- --not-a-flag x
RUN --mount
