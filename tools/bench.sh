#!/bin/sh
# Runs every benchmark of a build folder and keeps the JSON beside it.   tools/bench.sh BUILD [--benchmark_filter=...]
set -eu
build=$1
shift
mkdir -p "$build/results"
found=no
for program in "$build"/bench/*_bench; do
  [ -x "$program" ] || continue
  found=yes
  name=$(basename "$program")
  "$program" --benchmark_out="$build/results/$name.json" --benchmark_out_format=json "$@"
done
[ $found = yes ] || { echo "bench: no benchmarks in $build/bench; configure with the bench preset" >&2; exit 1; }
echo "bench: JSON in $build/results"
