FROM a
RUN ["a", 1]
SHELL /bin/sh -c
SHELL ["a", null]
CMD [["a"]]
