FROM base:1 AS Unused
CMD not judged, since nobody builds it
FROM base:1
COPY $x /y
#@ build-arg BUILDKIT_DOCKERFILE_CHECK=skip=FromAsCasing
