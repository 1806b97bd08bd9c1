ARG Q=1
ARG R=2
FROM base:1 AS a
ARG Q
FROM a
# Q is what counts
ARG Q=5
ARG R
RUN echo $Q
