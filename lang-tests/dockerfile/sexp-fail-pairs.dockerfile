ENV a
LABEL b
ENV a=b c
ENV a=${x:-b c}
RUN ["a", 1]
COPY ["a", null]
HEALTHCHECK CMD [true]
ONBUILD RUN [1]
ONBUILD ENV x
COPY <<EOF /x
never closed
