FROM base:1
RUN []
RUN --device=gpu y
