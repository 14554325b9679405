#!/usr/bin/env python3
"""The same ONNX files through dsperse, EZKL and ONNX Runtime, in one run, on the same threads. Restartable, as bench/run.py.

    bench/peers.py build/bench [--models mlp,lenet5] [--memory 16] [--minutes 20] [--fresh] [--keep]

Installs `ezkl` and `onnxruntime` from PyPI into FOLDER/venv. Every step of every system is a process of its own, timed, with its peak
memory; one that needs more than --memory GiB or --minutes is ended, and that is a result. EZKL's settings: weights `fixed` (bound by
its verifying key, its cheapest for a proof), input and output public, a reference string made here, inner columns as stated below, the
smallest scale whose mean error against float is not above ours on this input (or the most exact one, if none reaches it).
A stopped run goes on; another build of dsperse repeats its own steps and ONNX Runtime's beside EZKL's results, unless --fresh. --keep
writes bench/results/peers.json. Standard library only.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import machine  # noqa: E402
import process  # noqa: E402
import rows  # noqa: E402
import steps  # noqa: E402
import suite  # noqa: E402

HERE = Path(__file__).parent
# num_inner_cols: products that one row of EZKL's circuit adds; more columns, fewer rows. 2 is its default, 6 for LeNet-5 halves its rows
# twice; larger networks get what brings them near 2^17 rows.
MODELS = {"mlp": 2, "resnet_small": 6, "lenet5": 6, "doom": 16, "nanogpt": 16}
SCALES = range(4, 14)
PACKAGES = ["ezkl==23.0.5", "onnxruntime==1.32.0"]
EZKL_STEPS = ["compile", "srs", "setup", "witness", "prove", "verify"]


def install(folder):
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    asked = "import ezkl, onnxruntime"
    if subprocess.run([python, "-c", asked], capture_output=True).returncode != 0:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


class Ezkl:
    def __init__(self, python, folder, memory_bytes, seconds, threads):
        self.python, self.folder, self.memory, self.seconds = python, folder, memory_bytes, seconds
        self.env = {**os.environ, "RAYON_NUM_THREADS": str(threads)}

    def prepare(self, model, values):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        shutil.copyfile(model, self.folder / "model.onnx")
        (self.folder / "input.json").write_text(json.dumps({"input_data": [values]}))

    def step(self, name, options=None):
        done = process.run([self.python, HERE / "ezkl_step.py", name, self.folder, json.dumps(options or {})], self.memory, self.seconds,
                           self.env, self.folder)
        said = [line[5:] for line in done["out"].split("\n") if line.startswith("JSON ")]
        return {**process.figures(done), **(json.loads(said[-1]) if said and done["ended"] == "well" else {})}

    def fit_scale(self, inner_columns, weights, wanted, outputs):
        """Tries scales from the coarsest; ends with the files of the chosen one. [{"scale", "mean_error", ...}], chosen first."""
        tried = []
        for scale in SCALES:
            options = {"scale": scale, "inner_columns": inner_columns, "weights": weights}
            found, cost = {}, {}
            for name in ("settings", "calibrate", "compile", "witness"):
                cost[name] = self.step(name, options)
                if cost[name]["ended"] != "well":
                    break
                found.update(cost[name])
            entry = {"scale": scale, "ended": cost[name]["ended"], "calibrate_s": cost.get("calibrate", {}).get("wall_s")}
            if "outputs" in found:
                entry.update(mean_error=mean_error(found["outputs"], outputs), max_error=max_error(found["outputs"], outputs),
                             **{k: found[k] for k in ("logrows", "rows", "lookup_range")})
            tried.append(entry)
            if entry.get("mean_error") is not None and entry["mean_error"] <= wanted:
                break
        return tried


def mean_error(a, b):
    return sum(abs(x - y) for x, y in zip(a, b, strict=True)) / len(b)


def max_error(a, b):
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def best(tried):
    """The scale to use: the last one if it reaches what is wanted, which is when trying stopped; else the most exact one."""
    usable = [t for t in tried if t.get("mean_error") is not None]
    return min(usable, key=lambda t: t["mean_error"]) if usable else None


def measure(run, bench, ezkl, threads, names):
    for name in names:
        values, inner = suite.input_of(name)[1], MODELS[name]
        floats = run.step(f"onnxruntime/{name}", lambda: bench.float_run(name))
        ours = run.step(f"dsperse/{name}", lambda: bench.verbs(name, suite.UNSLICED, threads))
        ours_error = mean_error(ours["outputs"], floats["outputs"]) if "outputs" in ours and "outputs" in floats else None
        if ours_error is None:
            continue
        run.step(f"bench/{name}", lambda: bench.prove(name, suite.UNSLICED, threads, suite.MODELS[name][1]))
        # Trying scales makes no proof: minutes at most, memory of a forward pass.
        def scales():
            ezkl.prepare(bench.model(name), values)
            return ezkl.fit_scale(inner, "fixed", ours_error, floats["outputs"])
        chosen = best(run.step(f"ezkl/{name}/scales", scales))

        def proof():
            found = {}
            if chosen is None:
                return {"scale": {"ended": "failed", "error": "no scale gave a witness"}}
            ezkl.prepare(bench.model(name), values)
            options = {"scale": chosen["scale"], "inner_columns": inner, "weights": "fixed"}
            for step in ["settings", "calibrate", *EZKL_STEPS]:
                found[step] = ezkl.step(step, options)
                print(f" {step} {found[step]['ended']}", end="", file=sys.stderr, flush=True)
                if found[step]["ended"] != "well":
                    break
            shutil.rmtree(ezkl.folder)  # proving keys are gigabytes
            return found
        run.step(f"ezkl/{name}/proof", proof)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--memory", type=float, default=16, help="GiB a process may take")
    parser.add_argument("--minutes", type=float, default=20, help="time a process may take")
    parser.add_argument("--note", default="", help="what readers must know of this run; goes into the document")
    parser.add_argument("--install", action="store_true", help="only install the packages, for bench/run.py too")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    names = args.models.split(",")
    if set(names) - set(MODELS):
        parser.error(f"models are {', '.join(MODELS)}")
    limit, seconds = int(args.memory * process.GIB), 60 * args.minutes
    bench = suite.Bench(args.folder, seconds, limit)
    python = install(bench.folder)
    if args.install:
        return
    threads = min(2, len(os.sched_getaffinity(0)))
    about = {"mode": "peers", "machine": machine.describe(), "threads": threads, "memory_gib": args.memory, "minutes": args.minutes,
             "packages": PACKAGES, "inner_columns": MODELS}
    run = steps.Steps(bench.folder / "results" / "peers.jsonl", about, args.fresh)
    # Another build of ours is measured again; EZKL's minutes stay.
    ours = {"version": machine.version(HERE.parent), "programs": steps.digest([bench.folder / "dsperse"])}
    if run.done.get("ours") != ours:
        run.forget("ours", "dsperse/", "bench/", "onnxruntime/")
        run.step("ours", lambda: ours)
    measure(run, bench, Ezkl(python, bench.folder / "work-ezkl", limit, seconds, threads), threads, names)
    document = {"about": {**about, **ours, "note": args.note}, "steps": run.done}
    (bench.folder / "peers.json").write_text(rows.compact(document))
    if args.keep:
        (HERE / "results" / "peers.json").write_text(rows.compact(document))
    import peer_table
    print(peer_table.text(document))


if __name__ == "__main__":
    main()
