#!/usr/bin/env bash
# tools/fuzz.sh [SECONDS] [TARGET...]: builds the fuzz targets (preset asan: clang 19, libFuzzer, address and undefined-behaviour
# sanitizers) and runs each (or those named) for SECONDS, 20 when not given, starting from its kept corpus. Fails if one finds anything;
# the input that did it is then in build/fuzz/found. Inputs that reached new code stay in build/fuzz/corpus for the next run.
# With DSPERSE_TALLY=FOLDER the executions are added to FOLDER/fuzz.jsonl (tools/attacks.py). JOBS=N: compile jobs, and targets at a time.
# CMAKE_ARGS: more options of the configuration.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-20}
shift || true
jobs=${JOBS:-$(nproc)}

mkdir -p build
begin=$SECONDS
# shellcheck disable=SC2086 # several options
cmake --preset asan ${CMAKE_ARGS-} >build/fuzz-configure.log 2>&1 || { cat build/fuzz-configure.log; exit 6; }
cmake --build --preset fuzz --parallel "$jobs"
printf 'built in %d s\n' $((SECONDS - begin))

mkdir -p build/fuzz/found

# fuzz NAME KEPT: one target; its log, and its line of the table beside it; fails if it found something.
fuzz() {
  local name=$1 kept=$2 work=build/fuzz/corpus/$1 log=build/fuzz/$1.log status=0 runs rss
  mkdir -p "$work"
  build/asan/fuzz/"$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2560 -malloc_limit_mb=1536 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/found/"$name"- "$work" "$kept" >"$log" 2>&1 || status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  rss=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
  printf '%-18s %10s executions, peak %5s MiB%s\n' "$name" "${runs:-?}" "${rss:-?}" "$([[ $status -eq 0 ]] || echo ', FAILED: '"$log")"
  if [[ $status -ne 0 ]]; then tail -n 40 "$log"; fi
  return "$status"
}

failed=0
names=()
while read -r name kept; do
  if [[ $# -gt 0 && " $* " != *" $name "* ]]; then continue; fi
  names+=("$name")
  while (( $(jobs -rp | wc -l) >= jobs )); do wait -n || failed=1; done
  fuzz "$name" "$kept" &
done <build/asan/fuzz/targets.txt
while (( $(jobs -p | wc -l) > 0 )); do wait -n || failed=1; done
total=0
for name in "${names[@]}"; do
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log")
  total=$((total + ${runs:-0}))
done
printf '%-18s %10d executions\n' total "$total"
if [[ -n ${DSPERSE_TALLY:-} ]]; then
  mkdir -p "$DSPERSE_TALLY"
  printf '{"count": "fuzz executions", "value": %d}\n' "$total" >>"$DSPERSE_TALLY/fuzz.jsonl"
fi
exit $failed
