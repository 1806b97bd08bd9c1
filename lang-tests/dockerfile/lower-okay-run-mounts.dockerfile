FROM base:1 AS dep
FROM base:1
ARG T=/go
WORKDIR /w
RUN --mount=target=in,source=../src --mount=type=bind,from=dep,target=/dep,rw --mount=type=bind,from=base:1,target=/i x
RUN --mount=type=cache,target=$T/pkg,sharing=locked,uid=5,mode=0700 --mount=type=cache,id=n,target=/n,from=dep,source=/s x
RUN --mount=type=tmpfs,target=/t,size=1.5k --mount=type=secret,id=a --mount=type=secret,id=b,env=B --mount=type=secret,source=d/c,target=/k,env=C,required=true,mode=0444 --mount=type=ssh x
#@ build-arg BUILDKIT_CACHE_MOUNT_NS=ns
