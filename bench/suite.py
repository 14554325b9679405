"""What is measured: the models, the sizes of a mode, and one function a kind of step. Standard library only.

A step's data is plain JSON. A model step: how the process ended and what it took, "results" {name: [median, least, largest,
predicted]}, "slices" with their counts, "native_s" of the integer run, "fidelity". Tested by bench/suite_test.py.
"""
import json
import math
import os
import shutil
import subprocess
from pathlib import Path

import process
import tensor

IMAGE = (1, 3, 224, 224)
# name: (input shape, repetitions)
MODELS = {
    "mlp": ((1, 784), 9), "lenet5": ((1, 1, 28, 28), 9), "doom": ((1, 4, 28, 28), 9), "resnet_small": ((1, 1, 16, 16), 9),
    "resnet8_cifar": ((1, 3, 32, 32), 7), "unet_small": ((1, 1, 64, 64), 5), "mlp_4m": ((1, 784), 5), "vgg11_cifar": ((1, 3, 32, 32), 5),
    "vgg16_cifar": ((1, 3, 32, 32), 5), "mobilenetv1_224": (IMAGE, 1), "mobilenetv2_224": (IMAGE, 3), "resnet18_224": (IMAGE, 3),
    "resnet50_224": (IMAGE, 1), "vgg11_224": (IMAGE, 1), "vgg16_224": (IMAGE, 1), "nanogpt": ((1, 64), 7), "llama_small": ((1, 16, 64), 9),
    "llama_block": ((1, 64, 2048), 1), "bert_base": ((1, 128, 768), 1), "gpt2_16": ((1, 16, 768), 1), "gpt2_64": ((1, 64, 768), 1)}
VOCABULARY = {"nanogpt": 65}  # inputs that are token ids
SMALL = ["mlp", "lenet5", "doom", "resnet_small", "resnet8_cifar", "unet_small", "mlp_4m", "vgg11_cifar", "vgg16_cifar", "nanogpt"]
LARGE = ["mobilenetv1_224", "mobilenetv2_224", "resnet18_224", "resnet50_224", "vgg11_224", "vgg16_224", "llama_block",
         "bert_base", "gpt2_16", "gpt2_64"]

UNSLICED, BLOCKS = "unsliced", "a slice per layer block"
CUTS = {UNSLICED: ["--count", "1"], BLOCKS: [], "1 GiB": ["--memory", "1G"], "4 GiB": ["--memory", "4G"]}

MODES = {
    "quick": dict(models=["lenet5", "doom", "resnet8_cifar"], cuts=[UNSLICED, BLOCKS], repeat=3, curve=range(12, 19, 2), kernel_s=0.02, seconds=60, rounds=3),
    "default": dict(models=SMALL, cuts=[UNSLICED, BLOCKS], repeat=None, curve=range(12, 25), kernel_s=0.1, seconds=600, rounds=15),
    "large": dict(models=LARGE, cuts=[UNSLICED, BLOCKS, "4 GiB", "1 GiB"], repeat=None, curve=[], kernel_s=0.1, seconds=1200, rounds=7),
}
MEMORY = 20 * process.GIB
MOST_OUTPUTS = 10_000  # values; more are not kept with a step, nor compared


def input_of(name):
    """(shape, values) of the model's input: close to standard normal, or token ids."""
    shape = MODELS[name][0]
    count = math.prod(shape)
    if name in VOCABULARY:
        return shape, [float(int(abs(x) * 1000) % VOCABULARY[name]) for x in tensor.normal(count)]
    return shape, tensor.normal(count)


class Bench:
    """Programs of one build folder. `seconds`: the guard of one process."""

    def __init__(self, folder, seconds=1200, memory_bytes=MEMORY):
        self.folder, self.seconds, self.memory = Path(folder).resolve(), seconds, memory_bytes
        (self.folder / "models").mkdir(exist_ok=True)

    def programs(self):
        return [*(p for n in ("dsperse", "dsperse_models", "dsperse_run_model") if (p := self.folder / n).exists()),
                *(self.folder / "bench").glob("*_bench")]

    def model(self, name):
        path = self.folder / "models" / f"{name}.onnx"
        writer = self.folder / "dsperse_models"
        if not path.exists() or path.stat().st_mtime < writer.stat().st_mtime:
            subprocess.run([writer, path.parent, name], check=True, stdout=subprocess.DEVNULL)
        return path

    def calibration(self, name):
        """What --calibration says: made-up samples, for token ids a file of sixteen texts (made-up samples are all zeros)."""
        if name not in VOCABULARY:
            return "default"
        path = self.folder / "models" / f"{name}-calibration.npy"
        count = 16 * math.prod(MODELS[name][0])
        tokens = [float(int(abs(x) * 1000) % VOCABULARY[name]) for x in tensor.normal(count, 2)]
        path.write_bytes(tensor.npy((16, *MODELS[name][0][1:]), tokens))
        return path

    def kernel(self, program, pattern, seconds):
        """{benchmark: {field: [values of the repetitions]}} of one Google Benchmark program; nothing if it was not built."""
        binary = self.folder / "bench" / program
        if not binary.exists():
            return {}
        done = process.run([binary, f"--benchmark_filter={pattern}", "--benchmark_format=json", f"--benchmark_min_time={seconds}",
                            "--benchmark_repetitions=5"], seconds=300)
        found = {}
        for run in json.loads(done["out"])["benchmarks"] if done["out"].startswith("{") else []:
            if run["run_type"] == "iteration" and not run.get("error_occurred"):
                fields = found.setdefault(run["run_name"], {})
                for field, value in run.items():
                    if isinstance(value, float):
                        fields.setdefault(field, []).append(value)
        return found

    def prove(self, name, cut, threads, repeat):
        """`dsperse bench` in a process of its own."""
        done = process.run([self.folder / "dsperse", "bench", self.model(name), "--calibration", self.calibration(name), "--threads", threads, "--repeat",
                            repeat, *CUTS[cut], "--json"], self.memory, self.seconds)
        return {**process.figures(done), **(bench_data(process.document(done)) if done["ended"] == "well" else {})}

    def verbs(self, name, cut, threads):
        """What a user does, verb by verb: each a process, with files and all."""
        work = self.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        (work / "input.npy").write_bytes(tensor.npy(*input_of(name)))
        env = {**os.environ, "DSPERSE_STATE_DIR": str(work / "state")}
        found = {}
        for verb, arguments in verb_commands(self.model(name), self.calibration(name), CUTS[cut]):
            done = process.run([self.folder / "dsperse", verb, *arguments, "--threads", threads, "--json"], self.memory, self.seconds, env, work)
            found[verb] = process.figures(done)
            if done["ended"] != "well":
                return found
            if verb == "prove":
                found["proof_bytes"] = process.document(done)["certificate"]["bytes"]
            if verb == "run":
                outputs = [v for o in process.document(done)["outputs"].values() for v in o["values"]]
                found |= {"outputs": outputs} if len(outputs) <= MOST_OUTPUTS else {}
        found["key_bytes"] = (work / "m.dsk").stat().st_size
        found["proving_key_bytes"] = sum(f.stat().st_size for f in (work / "m.dsm").rglob("*") if f.is_file())
        shutil.rmtree(work)
        return found

    def float_run(self, name, repeat=15):
        """One thread of ONNX Runtime on the same file and input; {"ended": "absent"} if it is not installed."""
        python = self.folder / "venv" / "bin" / "python"
        if not python.exists():
            return {"ended": "absent"}
        (self.folder / "input.npy").write_bytes(tensor.npy(*input_of(name)))
        done = process.run([python, Path(__file__).parent / "float_run.py", self.model(name), self.folder / "input.npy", repeat], self.memory, 300)
        return {**process.figures(done), **(json.loads(done["out"]) if done["ended"] == "well" else {})}

    def integer_run(self, name, rounds=15):
        """The integer run beside ONNX Runtime, in turns (bench/run_peers.py); {"ended": "absent"} if either is not there."""
        python, ours = self.folder / "venv" / "bin" / "python", self.folder / "dsperse_run_model"
        if not python.exists() or not ours.exists():
            return {"ended": "absent"}
        out = self.folder / "run_peers.json"
        done = process.run([python, Path(__file__).parent / "run_peers.py", self.folder, self.model(name), "--rounds", rounds, "--json", out],
                           self.memory, 600)
        return {**process.figures(done), **(json.loads(out.read_text())[0] if done["ended"] == "well" else {})}


def verb_commands(model, calibration, cut):
    """In order; paths are relative to the work folder."""
    return [("slice", [model, "--calibration", calibration, "--out", "m.plan", *cut]),
            ("compile", ["m.plan", "--out", "m.dsm"]),
            ("run", ["m.dsm", "input.npy", "--out", "m.run"]),
            ("prove", ["m.run", "--model", "m.dsm"]),
            ("verify", ["m.run/certificate.dscert", "--key", "m.dsk", "--input", "input.npy", "--output", "m.run/output.json", "--no-cache"])]


def bench_data(document):
    """What is kept of the document of `dsperse bench` with one number of threads."""
    plan = document["plan"]
    counts = ("multiply_adds", "lookups", "weight_symbols", "witness_symbols")
    return {"results": {r["name"]: [r["value"], r["min"], r["max"], r.get("predicted")] for r in document["results"]},
            "slices": [{"operators": " ".join(s["operators"]), **{k: s[k] for k in counts}} for s in plan["slices"]],
            "native_s": sum(s["native_s"] for s in plan.get("trust", {}).get("slices", [])),
            "fidelity": {k: v for o in plan["fidelity"]["outputs"][:1] for k, v in o.items() if k != "name"}}
