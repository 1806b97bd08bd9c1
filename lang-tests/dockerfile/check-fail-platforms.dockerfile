FROM --platform=$TARGETPLATFORM base:1 AS a
FROM --platform=${TARGETPLATFORM} base:1 AS b
FROM --platform=$BUILDPLATFORM base:1 AS c
FROM --platform=linux/arm64 base:1 AS d
FROM --platform=linux/arm64 base:1 AS build-arm64
FROM --platform=${NOPE:-linux/amd64} base:1 AS e
