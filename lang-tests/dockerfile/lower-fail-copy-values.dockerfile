FROM base:1
COPY --chmod=888 a b
COPY --chmod=u a b
ADD --checksum=sha256:1 https://h/x /x
ADD --checksum=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 local /x
COPY https://h/x /x
ADD https://h/x.git /x
ADD git@h:a/b /x
