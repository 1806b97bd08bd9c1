FROM base:1
CMD echo one
CMD ["two"]
entrypoint three
HEALTHCHECK NONE
HEALTHCHECK CMD true
FROM base:1
SHELL ["/bin/sh", "-ec"]
CMD fine
ENTRYPOINT fine
FROM rich:1
CMD fine, the base has a SHELL
