#!/usr/bin/env python3
"""Runs the benchmark suite over a build folder. Results are kept step by step in FOLDER/results/MODE.jsonl: a run that was stopped goes on.

    bench/run.py build/bench              the models up to VGG-16/CIFAR, curves to 2^24; under half an hour
    bench/run.py build/bench --quick      a few minutes
    bench/run.py build/bench --large      the models for images of 224 x 224
    ... --fresh                           begins anew
    ... --models A,B --cuts C,D           these alone; what is done already stays in the results
    ... --keep                            also writes bench/results/MODE.json, of which `make bench-report` makes docs/benchmarks.md

Every model, cut and number of threads is a process of its own, killed beyond 20 GiB: "did not fit" is a result. The table at the end
(also FOLDER/summary.json) has every row of bench/gates.json. Standard library only; figures of ONNX Runtime if bench/peers.py has
installed it.
"""
import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import machine  # noqa: E402
import process  # noqa: E402
import rows  # noqa: E402
import steps  # noqa: E402
import suite  # noqa: E402

HERE = Path(__file__).parent


def measure(bench, run, mode, gates, threads):
    """Every step of a mode, cheapest first, so that a stopped run has most of the table."""
    m = suite.MODES[mode]
    for program in sorted({k["program"] for k in gates["kernels"]} | {"bounds_bench"}):
        patterns = [k["filter"] for k in gates["kernels"] if k["program"] == program] or ["."]
        run.step(f"kernel/{program}", lambda: bench.kernel(program, "|".join(patterns), m["kernel_s"]))
    for name in m["models"]:
        repeat = m["repeat"] or suite.MODELS[name][1]
        run.step(f"float/{name}", lambda: bench.float_run(name))
        run.step(f"run/{name}", lambda: bench.integer_run(name, m["rounds"]))
        for cut in m["cuts"]:
            for n in threads:
                run.step(f"model/{name}/{cut}/{n}", lambda: bench.prove(name, cut, n, repeat))
                run.step(f"verbs/{name}/{cut}/{n}", lambda: bench.verbs(name, cut, n))
    for family in ("lookups", "macs"):
        for log in m["curve"]:
            run.step(f"curve/{family}/{log}", lambda: bench.prove(f"{family}_{log}", suite.UNSLICED, 1, 5 if log < 20 else 3))
    for n in threads[1:]:
        for log in m["curve"][-1:]:
            run.step(f"curve/lookups/{log}/{n}", lambda: bench.prove(f"lookups_{log}", suite.UNSLICED, n, 3))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--note", default="", help="what readers must know of this run; goes into the document")
    parser.add_argument("--models", help="only these, by comma")
    parser.add_argument("--cuts", help=f"only these, by comma: {', '.join(suite.CUTS)}")
    parser.add_argument("--memory", type=float, default=20, help="GiB a process may take (default 20)")
    args = parser.parse_args()
    mode = "quick" if args.quick else "large" if args.large else "default"
    for what, known in (("models", suite.MODELS), ("cuts", suite.CUTS)):
        chosen = getattr(args, what)
        if chosen and set(chosen.split(",")) - set(known):
            parser.error(f"--{what}: known are {', '.join(known)}")
        if chosen:
            suite.MODES[mode][what] = chosen.split(",")
    started = time.time()
    gates = json.loads((HERE / "gates.json").read_text())
    bench = suite.Bench(args.folder, suite.MODES[mode]["seconds"], int(args.memory * process.GIB))
    about = {"mode": mode, "machine": machine.describe(), "programs": steps.digest(bench.programs())}
    run = steps.Steps(bench.folder / "results" / f"{mode}.jsonl", about, args.fresh)
    measure(bench, run, mode, gates, [1, 2] if len(os.sched_getaffinity(0)) > 1 else [1])
    document = {"about": {**about, "version": machine.version(HERE.parent), "note": args.note}, "steps": run.done}
    table = rows.rows(document, gates)
    (bench.folder / "summary.json").write_text(json.dumps(table, indent=1) + "\n")
    if args.keep:
        kept = HERE / "results" / f"{mode}.json"
        kept.write_text(rows.compact(document))
        print(f"bench: kept {kept.name}; `make bench-report` makes docs/benchmarks.md", file=sys.stderr)
    print(rows.text(table))
    print(f"bench: {len(table)} rows, {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
