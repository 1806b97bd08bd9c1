#check=skip=FromAsCasing
FROM base:1 as a
#@ build-arg BUILDKIT_DOCKERFILE_CHECK=skip=ConsistentInstructionCasing;error=true
