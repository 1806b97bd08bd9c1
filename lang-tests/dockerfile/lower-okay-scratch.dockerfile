FROM scratch
COPY hello /
ENTRYPOINT ["/hello"]
