#!/usr/bin/env bash
# From nothing to a running container: installs what is missing, compiles buildc, makes the base images, builds the
# app, runs it on port 8080, and shows its answer.
#
#   examples/node-hello/run.sh
#
# Environment: BUILDC (a ready program: nothing is compiled), BUILDC_FLAGS (for example `--root DIR`),
#              PORT (8080), KEEP=1 (leave the container running)
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
for pair in mmdebstrap:mmdebstrap nft:nftables curl:curl cc:gcc; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
  sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get -q update && $sudo apt-get -q -y install --no-install-recommends "${missing[@]}"
fi
if [ -z "${BUILDC:-}" ]; then
  cargo build --release --locked --package buildc
  BUILDC=${CARGO_TARGET_DIR:-$PWD/target}/release/buildc
fi
export BUILDC
buildc=("$BUILDC" ${BUILDC_FLAGS:-})
port=${PORT:-8080}

bash examples/bases/debian.sh debian:bookworm
"${buildc[@]}" build --tag node:18 examples/bases/node
"${buildc[@]}" build --tag example/node-hello examples/node-hello

ask() {
  for _ in $(seq 100); do
    curl -sf "http://127.0.0.1:$port/" && return 0
    sleep 0.2
  done
  "${buildc[@]}" logs node-hello >&2
  return 1
}
"${buildc[@]}" rm -f node-hello >/dev/null 2>&1 || true
"${buildc[@]}" run -d --name node-hello -p "$port:8080" example/node-hello
ask
"${buildc[@]}" stop node-hello && "${buildc[@]}" rm node-hello
"${buildc[@]}" run -d --name node-hello -p "$port:8080" -e WHO="Sean and Karl" example/node-hello
ask
"${buildc[@]}" ps
"${buildc[@]}" inspect --format '{{json .Config.Labels}}' node-hello
if [ -z "${KEEP:-}" ]; then
  "${buildc[@]}" stop node-hello && "${buildc[@]}" rm node-hello
fi
