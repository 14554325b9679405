#!/bin/sh
# A language model's answer, proved: a small GPT continues a prompt; one pass over prompt and answer is cut into slices, one a
# block, run, proved in zero knowledge and verified: every character of the answer is the model's likeliest. Then one character is
# changed and must be refused, with the old certificate and with one of its own. Run by `make demo-text`; ends in one summary.
#
#   DSPERSE=build/release/dsperse examples/text/demo.sh [FOLDER] [PROMPT]     FOLDER: where the run is kept (default build/demo-text)
set -eu
cd "$(dirname "$0")/../.."
dsperse=${DSPERSE:-build/release/dsperse}
out=${1:-build/demo-text}
prompt=${2:-"\`I beg your pardon,' said "}
text=examples/text
nonce=02

rm -rf "$out"
mkdir -p "$out"
# Opening counters are state of this machine's user; the demo keeps its own beside its run.
export DSPERSE_STATE_DIR="$(cd "$out" && pwd)/state"
export DSPERSE="$dsperse"
run_started=$(date +%s.%N)

echo "-- slice, compile: the model becomes integers and keys"
"$dsperse" slice "$text/gpt.onnx" --cut-after h.0,h.1,h.2,h.3 --out "$out/gpt.plan"
"$dsperse" compile "$out/gpt.plan" --out "$out/gpt.dsm"

echo "-- generate: the integers continue the prompt, the likeliest character each time"
python3 "$text/text.py" generate "$out/gpt.dsm" --prompt "$prompt" --out "$out/generated"
tokens=$out/generated/tokens.json

echo "-- run, prove: one pass over prompt and answer, every slice proved"
"$dsperse" run "$out/gpt.dsm" "$tokens" --nonce $nonce --out "$out/run"
"$dsperse" prove "$out/run" --model "$out/gpt.dsm"

# verify RUN TOKENS: what the asker does with the key, a certificate, the text and the claimed outputs.
verify() {
  "$dsperse" verify "$1/certificate.dscert" --key "$out/gpt.dsk" --input "$2" --output "$1/output.json" --nonce $nonce --greedy ${#prompt}
}
echo "-- verify: this text, this model, and every character after the prompt the likeliest"
python3 "$text/text.py" begins "$tokens" --prompt "$prompt"
verify "$out/run" "$tokens"

echo "-- the same answer with one character changed: under the old certificate, and under one that was proved for it"
python3 - "$tokens" "$out/tampered.json" << 'PYTHON'
import json, sys
tokens = json.load(open(sys.argv[1]))
tokens[-5] = (tokens[-5] + 1) % 65
json.dump(tokens, open(sys.argv[2], "w"))
PYTHON
"$dsperse" run "$out/gpt.dsm" "$out/tampered.json" --nonce $nonce --out "$out/other-run" > "$out/other-run.txt"
"$dsperse" prove "$out/other-run" --model "$out/gpt.dsm" >> "$out/other-run.txt"
# refused RUN NAME: exit code 1 for the changed answer; what was said is kept.
refused() {
  code=0
  verify "$1" "$out/tampered.json" > "$out/$2.txt" || code=$?
  cat "$out/$2.txt"
  if [ $code -ne 1 ]; then
    echo "demo: the changed answer must be rejected (exit code 1), but the exit code was $code" >&2
    exit 70
  fi
}
refused "$out/run" old-certificate
refused "$out/other-run" own-certificate

echo "-- report"
"$dsperse" report "$out/run" --out "$out/report.html"

seconds=$(python3 -c "import sys; print(f'{float(sys.argv[2]) - float(sys.argv[1]):.1f}')" "$run_started" "$(date +%s.%N)")
echo
echo "demo: passed"
echo "  text         $(python3 "$text/text.py" decode "$tokens")"
echo "  prompt       $prompt"
echo "  certificate  $(stat -c %s "$out/run/certificate.dscert") bytes; verification key $(stat -c %s "$out/gpt.dsk") bytes"
echo "  tampering    $(head -n 1 "$out/old-certificate.txt")"
echo "               $(head -n 1 "$out/own-certificate.txt")"
echo "  report       $out/report.html (open it in a browser)"
if [ -n "${DSPERSE_SETUP_SECONDS:-}" ]; then
  echo "  set-up and build $DSPERSE_SETUP_SECONDS s, the run itself $seconds s"
else
  echo "  the run itself $seconds s"
fi
