FROM a
RUN --mount=type=bind,from=$X,target=/x y
RUN --mount=type=cahce,target=/x y
RUN --network= y
RUN --security= y
