FROM base:1
LABEL name="hello"
LABEL version="1"
LABEL who="me you"
USER root
ENV AP=/data/app
ENV SCPATH=/etc/supervisor/conf.d
RUN apt-get -y update
RUN mkdir -p /var/log/supervisor
ADD ./supervisord/conf.d/* $SCPATH/
ADD *.js* $AP/
WORKDIR $AP
RUN npm install
CMD ["supervisord","-n"]
