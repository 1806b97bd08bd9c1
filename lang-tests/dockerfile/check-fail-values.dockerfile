FROM base:1
ARG API_KEY
ARG PUBLIC_KEY TOKEN_FILE secret_version
ENV DB_PASSWORD=x aws_secret_access_key=y MONKEY=1 apikey=z
WORKDIR app
WORKDIR sub
EXPOSE 80/tcp 81/UDP 127.0.0.1:80:80 8080:80 [::1]:1:2/SCTP
COPY ignored.txt ./dir/ kept /x/
ADD dir/below /y
FROM base:1
COPY --from=0 ignored.txt /z
#@ ignore ignored.txt
#@ ignore dir
