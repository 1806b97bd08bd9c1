# syntax = docker/dockerfile:1
# Escape=`
# check=skip=all
# unknown=1
FROM a
RUN x `
  y
ENV P=C:\x
