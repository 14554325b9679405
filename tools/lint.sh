#!/bin/sh
# clang-tidy with the checks of .clang-tidy.   tools/lint.sh BUILD [FILE...]
# Without files: every product source but the kernels (they need their own flags). CI names a bounded set, tools/lint-ci.txt.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
if [ $# -eq 0 ]; then
  set -- $(tools/sources.sh | grep '^src/.*\.cc$' | grep -v -e '_test\.cc$' -e '_bench\.cc$' -e /testing/ -e kernel)
fi
printf '%s\n' "$@" | xargs -P "$(nproc 2> /dev/null || echo 2)" -n 4 "${CLANG_TIDY:-clang-tidy-19}" -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*' 2> build/lint.log || {
  grep -v 'warnings generated' build/lint.log >&2 || true
  exit 1
}
