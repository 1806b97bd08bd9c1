FROM base:1
ENV D=/d C=1:2
COPY a b /abs
COPY . .
WORKDIR /w
COPY ../up /x/../y/ rel/
COPY --chown=$C --chmod=u=rwX,go=rX x $D
COPY --link a b/
COPY --link --chmod=755 a b
COPY --parents a/./b/c d/**/e /p/
COPY --exclude=*.md --exclude=!a.md src /e
COPY ["a b", "c d"]
COPY *.js* \
  [ab].c ./
