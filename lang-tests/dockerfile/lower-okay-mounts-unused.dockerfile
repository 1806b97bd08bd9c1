FROM base:1 AS Unused
RUN --mount=type=cahce,targt=/x never
RUN []
RUN --device=gpu never
FROM base:1
ARG NONE
RUN --mount=type=bind,env=x,target=/x y
RUN --mount=type=secret,id=$NONE,target=/run/s y
RUN --mount=type=secret,id=s,target=$NONE y
