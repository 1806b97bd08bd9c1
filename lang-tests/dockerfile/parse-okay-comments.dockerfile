# about
FROM a
#x

RUN a # not a comment
   # indented
RUN b \
#in
  && c
