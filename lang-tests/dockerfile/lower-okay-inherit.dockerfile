FROM rich:1
ENV A=new
ENV C=c
LABEL vendor=me
RUN x
WORKDIR sub
ENTRYPOINT y
