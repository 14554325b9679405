#!/bin/sh
# Installs what is missing of tools/packages.txt, with the distribution's package manager alone. Does nothing when all is there.
#
#   tools/setup.sh          what a build and its tests need
#   tools/setup.sh wasm     what the WebAssembly build of the verifier needs
#   tools/setup.sh measure  what counting instructions and comparing with other systems need
#   tools/setup.sh dev      all of that and the pinned clang tools of CI
#   tools/setup.sh list     prints what is missing, installs nothing
#
# Needs root or sudo only if something is missing. Never asks.
set -eu
cd "$(dirname "$0")/.."

case ${1:-} in
  dev) kinds='build wasm measure dev' ;;
  measure) kinds=measure ;;
  wasm) kinds=wasm ;;
  *) kinds=build ;;
esac

wanted() { # package names of the chosen kinds, each once
  for kind in $kinds; do
    while read -r k name _; do
      if [ "$k" = "$kind" ]; then echo "$name"; fi
    done < tools/packages.txt
  done | sort -u
}

if ! command -v dpkg-query > /dev/null 2>&1 || ! command -v apt-get > /dev/null 2>&1; then
  echo "setup: this machine has no apt-get, so nothing can be installed from here." >&2
  echo "setup: install the equivalents of these Debian packages, then run make with SETUP=no:" >&2
  echo "  $(wanted | tr '\n' ' ')" >&2
  exit 6
fi

missing=
for name in $(wanted); do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$name" 2> /dev/null || true)
  case $status in
    *not-installed* | *config-files* | '') missing="$missing $name" ;;
    *installed*) ;;
    *) missing="$missing $name" ;;
  esac
done
if [ "${1:-}" = list ]; then
  for name in $missing; do echo "$name"; done
  exit 0
fi
if [ -z "$missing" ]; then
  echo "setup: nothing is missing"
  exit 0
fi

if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo > /dev/null 2>&1; then
  as_root='sudo --preserve-env=http_proxy,https_proxy,no_proxy,HTTP_PROXY,HTTPS_PROXY,NO_PROXY'
  if ! sudo -n true 2> /dev/null && [ ! -t 0 ]; then
    echo "setup: sudo would ask for a password, and nobody can answer. As root, run:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends -y$missing" >&2
    exit 6
  fi
else
  echo "setup: packages are missing and you are neither root nor have sudo. As root, run:" >&2
  echo "  apt-get update && apt-get install --no-install-recommends -y$missing" >&2
  exit 6
fi

echo "setup: installing$missing"
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@" < /dev/null; }
update() { apt update; }
install() { apt install --no-install-recommends $missing; }

# A failed update is not the end: the lists that are there may do, and the install says what it lacks.
update || { sleep 3; update; } || echo "setup: apt-get update failed; going on with the lists that are there" >&2
install || { sleep 3; update || true; install; } || {
  echo "setup: apt-get could not install:$missing" >&2
  echo "setup: check the network, the proxy settings and /etc/apt, then run make setup again" >&2
  exit 6
}
echo "setup: done"
