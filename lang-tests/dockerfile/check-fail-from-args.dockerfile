ARG TAG=1
ARG NAME
ARG UPPER=NoGood
FROM base:1${TGA}
FROM base:${TAG}
FROM $NAME
FROM $UPPER
FROM base:1${TARGETVARIANT}
#@ build-arg NAME=base:1
#@ build-arg UPPER=base:1
