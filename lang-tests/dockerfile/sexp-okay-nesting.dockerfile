ONBUILD RUN a "b"
ONBUILD run ["a", "b"]
onbuild ONBUILD COPY --from=x a b
ONBUILD ENV a=b c=d
ONBUILD NOPE x
ONBUILD
ONBUILD --flag RUN --mount=type=tmpfs,target=/t x
HEALTHCHECK NONE
HEALTHCHECK --interval=5s --retries=3 CMD curl -f http://localhost/ || exit 1
HEALTHCHECK CMD ["curl", "x"]
HEALTHCHECK cmd   [ "a" ] b
HEALTHCHECK
HEALTHCHECK whatever
