FROM scratch
ADD https://example.com/r.git#v1:docs /docs/
ADD --keep-git-dir=true git@example.com:a/b.git /src
