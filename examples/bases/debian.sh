#!/usr/bin/env bash
# Makes the base image debian:bookworm from the Debian mirror that this host's apt knows, and imports it.
#
#   debian.sh [NAME]        NAME defaults to debian:bookworm
#
# Needs mmdebstrap; runs as root, or unprivileged with uidmap installed. An image that is there already is kept.
# Environment: BUILDC (the program), DEBIAN_MIRROR (an http address, instead of apt's), BUILDC_FLAGS (--root DIR)
set -euo pipefail

name=${1:-debian:bookworm}
suite=${name##*:}
buildc=(${BUILDC:-buildc} ${BUILDC_FLAGS:-})
if "${buildc[@]}" inspect --type image "$name" >/dev/null 2>&1; then
  echo "$name is there already" >&2
  exit 0
fi
command -v mmdebstrap >/dev/null || { echo "$0: install mmdebstrap first: apt-get install mmdebstrap" >&2; exit 1; }

mirror=${DEBIAN_MIRROR:-$(apt-get indextargets 'Created-By: Packages' "Codename: $suite" --format '$(REPO_URI)' | head -n 1)}
[ -n "$mirror" ] || { echo "$0: apt knows no mirror of $suite: set DEBIAN_MIRROR" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The host's certificate bundle goes in too, so that a host behind its own authority can reach https from the image.
hooks=(--customize-hook='mkdir -p "$1/usr/local/share/ca-certificates"')
for file in /usr/local/share/ca-certificates/*.crt; do
  [ -f "$file" ] && hooks+=("--customize-hook=copy-in $file /usr/local/share/ca-certificates")
done
hooks+=(--customize-hook='chroot "$1" update-ca-certificates >/dev/null 2>&1')
mmdebstrap --quiet --variant=minbase --include=ca-certificates --aptopt='Acquire::Languages "none"' \
  "${hooks[@]}" --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' \
  "$suite" "$work/rootfs.tar" "deb $mirror $suite main"
"${buildc[@]}" import --change 'CMD ["bash"]' \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' "$work/rootfs.tar" "$name"
