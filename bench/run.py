#!/usr/bin/env python3
"""Runs the benchmarks of a build folder and writes FOLDER/summary.json: a list of {name, value, unit, gate, target, threads, note}.

    bench/run.py build/bench [--quick] [--models lenet5,doom] [--repeat N]

Kernel rows come from the Google Benchmark programs beside the code (their JSON is kept in FOLDER/results), model rows from
`dsperse bench` on generated networks (bench/models.cc), each in a process of its own so that peak memory is that network's.
Gates and targets: bench/gates.json. Times are medians; min and max are beside them. Standard library only.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path


def google_benchmark(folder, program, pattern, min_time):
    """The program's JSON, kept in results/; None if the program was not built."""
    binary = folder / "bench" / program
    if not binary.exists():
        return None
    out = folder / "results" / f"{program}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([binary, f"--benchmark_filter={pattern}", f"--benchmark_out={out}", "--benchmark_out_format=json",
                    f"--benchmark_min_time={min_time}", "--benchmark_repetitions=5", "--benchmark_enable_random_interleaving=false"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return json.loads(out.read_text())


def statistics(data, pattern, field):
    """(median, min, max) of a counter or time over the repetitions of the benchmark whose name starts with pattern."""
    runs = [b[field] for b in data["benchmarks"] if b["run_type"] == "iteration" and b["run_name"].startswith(pattern) and field in b]
    if not runs:
        return None
    runs.sort()
    return runs[len(runs) // 2], runs[0], runs[-1]


def kernel_rows(folder, gates, quick):
    rows = []
    for gate in gates:
        data = google_benchmark(folder, gate["program"], gate["filter"], 0.05 if quick else 0.2)
        found = data and statistics(data, gate["filter"].strip("^$"), gate["field"])
        if not found:
            rows.append(dict(name=gate["name"], value=None, unit=gate["unit"], gate=gate["gate"], target=gate["target"], threads=1,
                             note="not measured: this machine or build lacks it"))
            continue
        median, low, high = (x * gate["scale"] for x in found)
        rows.append(dict(name=gate["name"], value=median, min=low, max=high, unit=gate["unit"], gate=gate["gate"], target=gate["target"],
                         threads=1, note=gate["note"]))
    return rows


def dsperse(folder, *args):
    """One verb with --json in a process of its own: its document."""
    done = subprocess.run([folder / "dsperse", *args, "--json"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout)


def model_rows(folder, name, gate, repeat, threads, cuts):
    rows = []
    for cut, flags in cuts:
        for n in threads:
            document = dsperse(folder, "bench", str(folder / "models" / f"{name}.onnx"), "--calibration", "default", "--threads", str(n),
                               "--repeat", str(repeat), *flags)
            found = {m["name"]: m for m in document["results"]}
            slices = sum(1 for k in found if k.startswith("prove slice "))
            label = f"{name}, {cut}"
            gated = cut == gate.get("cut", "unsliced")
            for what, unit, scale, key in (("prove", "ms", 1e3, "prove_ms"), ("peak memory, prove", "MB", 1e-6, "memory_mb"),
                                           ("proofs", "MB", 1e-6, "proof_mb"), ("verify", "ms", 1e3, "verify_ms"),
                                           ("run", "ms", 1e3, "run_ms"), ("compile", "ms", 1e3, "compile_ms"),
                                           ("peak memory, compile", "MB", 1e-6, "compile_mb")):
                m = found.get(what)
                if m is None:
                    continue
                g, t = gate.get(key, [None, None]) if gated and n == 1 else [None, None]
                row = dict(name=f"{label}: {what}", value=m["value"] * scale, unit=unit, gate=g, target=t, threads=n,
                           note=f"{slices} slice(s); {m['note']}")
                if "min" in m:
                    row.update(min=m["min"] * scale, max=m["max"] * scale)
                rows.append(row)
    return rows


def print_table(rows):
    text = lambda x: "" if x is None else f"{x:.3g}" if isinstance(x, (int, float)) else str(x)
    cells = [["name", "value", "min", "max", "unit", "gate", "target", "threads", "verdict"]]
    for r in rows:
        verdict = ""
        if r["gate"] is not None and r["value"] is not None:
            more = r["unit"].endswith("/s")
            good = r["value"] >= r["gate"] if more else r["value"] <= r["gate"]
            verdict = "gate met" if good else f"gate missed x {(r['gate'] / r['value'] if more else r['value'] / r['gate']):.2f}"
        cells.append([r["name"], text(r["value"]), text(r.get("min")), text(r.get("max")), r["unit"], text(r["gate"]), text(r["target"]),
                      str(r["threads"]), verdict])
    widths = [max(len(c[i]) for c in cells) for i in range(len(cells[0]))]
    for c in cells:
        print("  ".join(x.ljust(w) if i in (0, 4, 8) else x.rjust(w) for i, (x, w) in enumerate(zip(c, widths))).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default="lenet5,doom,vgg16_cifar")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="shorter kernel runs, three repetitions a model")
    args = parser.parse_args()
    gates = json.loads((Path(__file__).parent / "gates.json").read_text())
    folder, started = args.folder.resolve(), time.time()
    rows = kernel_rows(folder, gates["kernels"], args.quick)
    (folder / "models").mkdir(exist_ok=True)
    subprocess.run([folder / "dsperse_models", folder / "models", *args.models.split(",")], check=True, stdout=subprocess.DEVNULL)
    threads = [1, 2] if (os.cpu_count() or 1) > 1 else [1]
    for name in args.models.split(","):
        print(f"bench: {name}", file=sys.stderr)
        rows += model_rows(folder, name, gates["models"].get(name, {}), 3 if args.quick else args.repeat, threads,
                           [("unsliced", ["--count", "1"]), ("a slice per layer block", [])])
    out = folder / "summary.json"
    out.write_text(json.dumps(rows, indent=1) + "\n")
    print_table(rows)
    print(f"bench: {len(rows)} rows in {out}, {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
