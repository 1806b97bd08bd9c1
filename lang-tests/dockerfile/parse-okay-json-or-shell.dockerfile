FROM a
RUN ["a", "b c"]
RUN ['a']
RUN ["a"] tail
RUN [ -f x ] && y
CMD []
ENTRYPOINT ["\u0041\n"]
COPY ["a b", "c"]
VOLUME ["/a", "/b"]
SHELL ["/bin/x"]
