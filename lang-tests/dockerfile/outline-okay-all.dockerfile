# VERSION is the version of everything
ARG VERSION=1
# not a description
ARG DERIVED=base:${VERSION}
ARG UNUSED=x
FROM ${DERIVED} AS base
ARG VERSION
# FLAVOUR how it tastes
ARG FLAVOUR=plain-$VERSION
ENV FROM_ENV=$FLAVOUR
FROM base:1 AS aside
ARG NOT_REACHED
# release is what is shipped
FROM base AS release
ARG LATE=$FROM_ENV
ARG GIVEN NOTHING
RUN --mount=type=secret,id=token --mount=type=secret,target=/run/other,required --mount=type=ssh make
RUN --mount=type=cache,target=/cache --mount=type=secret,id=token,required true
#@ build-arg GIVEN=yes
