FROM a
RUN x
\