FROM base:1
MAINTAINER "Me" <me@example.com> $5
ENV name two words
ENV quoted "two words"
ENV mixed 'a b' c\ d e
LABEL one word
ENV over a \
  b
label empty.continuation=\

x
RUN a \

  # comment

  b
