FROM scratch
ENTRYPOINT foo bar
FROM scratch
SHELL ["powershell", "-command"]
ENTRYPOINT foo bar
FROM scratch
ENTRYPOINT foo bar
CMD x
#@ platform windows/amd64
