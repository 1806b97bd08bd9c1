FROM base:1 AS parent
# WORD is not described where it fires
ONBUILD ARG WORD=one NOTHING
ONBUILD RUN --mount=type=secret,id=token true
FROM parent AS child
ARG LATE=${WORD}-$NOTHING
FROM trigger:1
COPY --from=child / /child
