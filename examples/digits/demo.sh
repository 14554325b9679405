#!/bin/sh
# The main job on real input: a trained digit classifier on a handwritten zero, cut into slices, run, proved in zero knowledge and
# verified; then one byte of the certificate is changed and the verifier must refuse it. Run by `make demo`; ends in one summary.
#
#   DSPERSE=build/release/dsperse examples/digits/demo.sh [FOLDER]      FOLDER: where the run is kept (default build/demo)
set -eu
cd "$(dirname "$0")/../.."
dsperse=${DSPERSE:-build/release/dsperse}
out=${1:-build/demo}
digits=examples/digits
image=$digits/images/0.png
nonce=01

rm -rf "$out"
mkdir -p "$out"
# Opening counters are state of this machine's user; the demo keeps its own beside its run.
export DSPERSE_STATE_DIR="$(cd "$out" && pwd)/state"
run_started=$(date +%s.%N)

echo "-- full-run: slice, compile, run, prove, verify"
"$dsperse" full-run "$digits/lenet5.onnx" "$image" --labels "$digits/labels.txt" --calibration "$digits/calibration.npz" \
  --nonce $nonce --out "$out/run"

verify() {
  "$dsperse" verify "$1" --key "$out/run/model.dsk" --input "$image" --output "$out/run/output.json" --nonce $nonce
}
echo "-- verify: what the asker does with the key, the certificate, the input and the claimed output"
verify "$out/run/certificate.dscert"

echo "-- verify a tampered copy: one byte in the middle of the certificate changed"
python3 - "$out/run/certificate.dscert" "$out/tampered.dscert" << 'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 1
open(sys.argv[2], "wb").write(data)
PYTHON
code=0
verify "$out/tampered.dscert" > "$out/tampered.txt" || code=$?
cat "$out/tampered.txt"
if [ $code -ne 1 ]; then
  echo "demo: the tampered certificate must be rejected (exit code 1), but the exit code was $code" >&2
  exit 70
fi

echo "-- report"
"$dsperse" report "$out/run" --out "$out/report.html"

seconds=$(python3 -c "import sys; print(f'{float(sys.argv[2]) - float(sys.argv[1]):.1f}')" "$run_started" "$(date +%s.%N)")
python3 - "$out" "$seconds" "${DSPERSE_SETUP_SECONDS:-}" << 'PYTHON'
import json, pathlib, sys
out, seconds, setup = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
run = json.loads((out / "run/full-run.json").read_text())
output = next(iter(run["outputs"].values()))
coverage, slices = run["coverage"], run["slices"]
proved = [s for s in slices if s["mode"] == "proof"]
share = coverage["multiply_adds_proved"] / max(1, coverage["multiply_adds"])
kb = lambda path: f"{path.stat().st_size / 1e3:,.0f} kB"
print()
print("demo: passed")
print(f"  digit        a handwritten 0, classified as {output.get('label', output.get('top1'))}")
print(f"  slices       {coverage['slices']}, proved {coverage['slices_proved']}: {share:.0%} of {coverage['multiply_adds']:,} multiply-adds")
print(f"  proving      {sum(s['prove_s'] for s in proved):.2f} s; verifying {run['verify_s']:.2f} s; {run['profile']}-bit profile, zero knowledge, hidden weights")
print(f"  certificate  {kb(out / 'run/certificate.dscert')}; verification key {kb(out / 'run/model.dsk')}")
print(f"  tampering    one changed byte: {(out / 'tampered.txt').read_text().splitlines()[0]}")
print(f"  report       {out / 'report.html'} (open it in a browser)")
if setup:
    print(f"  set-up and build {setup} s, the run itself {seconds} s")
else:
    print(f"  the run itself {seconds} s")
PYTHON
