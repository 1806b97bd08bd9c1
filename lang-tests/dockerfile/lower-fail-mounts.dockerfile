FROM base:1
RUN --mount=type=cahce,target=/x y
RUN --mount=type=bind,mode=0755,target=/x y
RUN --mount=type=tmpfs,size=lots,target=/x y
RUN --mount=type=bind,size=1m,target=/x y
RUN --mount=type=cache,targt=/x y
RUN --mount=type=secret y
RUN --mount=type=bind,required,target=/x y
RUN --mount=type=cache,target=/x,sharing=some y
RUN --mount=target y
RUN --mount=type=ssh,sharing=locked y
RUN --mount=type=ssh,source=k y
RUN --mount=type=secret,id=,source= y
