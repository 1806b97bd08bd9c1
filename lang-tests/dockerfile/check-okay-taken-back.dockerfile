FROM base:1
COPY kept /x
COPY dir /y
RUN echo $HOME
CMD ["a"]
#@ ignore *
#@ ignore !kept
