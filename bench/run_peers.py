#!/usr/bin/env python3
"""The integer run beside float ONNX Runtime: the same ONNX files, the same threads, alternating, in one go.

    PYTHON bench/run_peers.py build/bench [MODEL.onnx ...] [--threads 1] [--rounds 15] [--ops] [--json FILE]

PYTHON has the packages `onnxruntime` and `numpy` (a virtual environment of its own; the project does not need them). Without files the
generated models of FOLDER/models are taken. A round is a burst of integer runs (dsperse_run_model, in its process, weights packed, input
already integers; quantizing the input is a column of its own) and a burst of ONNX Runtime sessions' runs (float, all optimizations on).
The ratio is of the least times: a shared machine only adds to them. Medians are kept in the JSON.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

BURST_SECONDS = 0.1


class Integer:
    """dsperse_run_model on one file."""

    def __init__(self, folder, model, threads):
        self.process = subprocess.Popen([folder / "dsperse_run_model", model, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        first = self.process.stdout.readline()
        if not first:
            raise SystemExit(f"run_peers: dsperse_run_model failed on {model}")
        self.facts = json.loads(first)

    def ask(self, what, n):
        self.process.stdin.write(f"{what} {n}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def times(self, n, what="run"):
        return [float(x) for x in self.ask(what, n).split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Float:
    """An ONNX Runtime session on one file; microseconds."""

    def __init__(self, model, threads):
        import numpy
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        port = self.session.get_inputs()[0]
        value = numpy.random.default_rng(1).standard_normal(port.shape, dtype=numpy.float32)
        if port.type == "tensor(int64)":  # tokens: what they are does not matter to the time
            value = numpy.ones(port.shape, numpy.int64)
        # Bound once: the run copies neither input nor output.
        self.binding = self.session.io_binding()
        self.binding.bind_cpu_input(port.name, value)
        self.binding.bind_output(self.session.get_outputs()[0].name, "cpu")
        self.version = onnxruntime.__version__

    def times(self, n):
        out = []
        for _ in range(n):
            start = time.perf_counter()
            self.session.run_with_iobinding(self.binding)
            out.append(1e6 * (time.perf_counter() - start))
        return out


def compare(folder, model, threads, rounds, ops):
    ours, theirs = Integer(folder, model, threads), Float(model, threads)
    a, b = ours.times(3), theirs.times(3)
    n_a, n_b = (max(1, min(2000, int(1e6 * BURST_SECONDS / min(t)))) for t in (a, b))
    for _ in range(rounds):
        a += ours.times(n_a)
        b += theirs.times(n_b)
    row = dict(model=model.stem, threads=threads, integer_us=min(a), float_us=min(b), ratio=min(a) / min(b),
               integer_median_us=statistics.median(a), float_median_us=statistics.median(b),
               median_ratio=statistics.median(a) / statistics.median(b), quantize_input_us=min(ours.times(20, "quantize")),
               onnxruntime=theirs.version, **ours.facts)
    if ops:
        row["ops"] = json.loads(ours.ask("ops", 3 * n_a))
    ours.close()
    return row


def print_ops(row):
    for op in sorted(row["ops"], key=lambda o: -o["us"])[:25]:
        rate = f"{op['macs'] / op['us'] / 1e3:8.1f} GMAC/s" if op["macs"] else " " * 15
        print(f"    {op['us']:10.1f} us {rate}  {op['out']:>16}  {op['type']} {op['op'][:60]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", type=Path, nargs="*")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--ops", action="store_true", help="the dearest ops of the integer run")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    models = args.models or sorted((args.folder / "models").glob("*.onnx"))
    if not models:
        sys.exit("run_peers: no ONNX file; write some with dsperse_models FOLDER/models")
    rows = []
    print(f"{'model':<20} {'threads':>7} {'integer':>12} {'float ORT':>12} {'ratio':>7} {'of medians':>10} {'quantize':>10} {'GMAC/s':>8}")
    for model in models:
        rows.append(row := compare(args.folder.resolve(), model, args.threads, args.rounds, args.ops))
        print(f"{row['model']:<20} {row['threads']:>7} {row['integer_us']:>9.1f} us {row['float_us']:>9.1f} us {row['ratio']:>7.2f}"
              f" {row['median_ratio']:>10.2f} {row['quantize_input_us']:>7.1f} us {row['macs'] / row['integer_us'] / 1e3:>8.1f}", flush=True)
        if args.ops:
            print_ops(row)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
