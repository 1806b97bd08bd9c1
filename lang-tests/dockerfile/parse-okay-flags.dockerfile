FROM --platform=$P a AS B.x-1
COPY --from=b --chown=a:b --chmod=644 --link --parents --exclude=*.md --exclude="x y" s d
ADD --unpack=false --checksum=sha256:x --keep-git-dir --link=false s d
RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --network=none --security=insecure x
RUN -- --odd
