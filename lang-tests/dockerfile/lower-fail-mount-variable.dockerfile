FROM base:1
ARG T=nonsense
RUN --mount=type=$T,target=/x y
