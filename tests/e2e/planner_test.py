#!/usr/bin/env python3
"""The planner from the command line: every way to cut, its errors, and predictions beside what is then measured.

    tests/e2e/planner_test.py build/release/dsperse [TestClass.test_name ...]

Standard library alone. Networks are written by tiny_onnx.py.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tiny_onnx  # noqa: E402

DSPERSE = None
MIB = 1 << 20


def convolutions(channels, size, layers):
    """Convolutions of 3 x 3 over an image, ReLU after each, and a classifier."""
    g = tiny_onnx.Graph(3)
    x, c = "x", 3
    for i in range(layers):
        w = g.weights(channels, c, 3, 3, scale=(2 / (9 * c)) ** 0.5)
        x = g.op("Relu", g.op("Conv", x, w, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1]))
        c = channels
    x = g.op("MaxPool", x, kernel_shape=[4, 4], strides=[4, 4])
    n = channels * (size // 4) ** 2
    x = g.op("Reshape", x, g.constant([2], [1, n], tiny_onnx.INT64))
    g.op("Gemm", x, g.weights(10, n, scale=n ** -0.5), output="y", transB=1)
    return g.model([("x", [1, 3, size, size])], [("y", [1, 10])])


def layers(*widths):
    """A perceptron."""
    g = tiny_onnx.Graph(4)
    x = "x"
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        last = i + 2 == len(widths)
        x = g.op("Gemm", x, g.weights(b, a, scale=a ** -0.5), transB=1, **({"output": "y"} if last else {}))
        x = x if last else g.op("Relu", x)
    return g.model([("x", [1, widths[0]])], [("y", [1, widths[-1]])])


class Planner(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="dsperse-planner-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.dir = pathlib.Path(cls.folder.name)
        cls.env = {**os.environ, "DSPERSE_STATE_DIR": str(cls.dir / "state"), "NO_COLOR": "1"}
        (cls.dir / "conv.onnx").write_bytes(convolutions(24, 128, 3))
        (cls.dir / "mlp.onnx").write_bytes(layers(1024, 1024, 1024, 512, 10))
        (cls.dir / "x.json").write_text(json.dumps([((i * 37) % 201 - 100) / 100 for i in range(3 * 128 * 128)]))
        (cls.dir / "v.json").write_text(json.dumps([((i * 37) % 201 - 100) / 100 for i in range(1024)]))

    def dsperse(self, *args, code=0, says=None):
        done = subprocess.run([DSPERSE, *map(str, args)], cwd=self.dir, env=self.env, capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, code, f"{args}\n{done.stdout}{done.stderr}")
        if says:
            self.assertIn(says, done.stdout + done.stderr)
        return done

    def plan(self, model, *args):
        self.dsperse("slice", model, "--calibration", "default", "--native-seconds", 0.01, "--out", "p.plan", *args)
        return json.loads((self.dir / "p.plan/plan.json").read_text())

    @staticmethod
    def total(plan, key):
        return sum(s["predicted"][key] for s in plan["slices"])

    @staticmethod
    def peak(plan):
        """Of the verb and slice that need most, with the process."""
        return plan["predicted_process_bytes"] + max(
            max(s["predicted"][k] for k in ("peak_bytes", "run_bytes", "compile_bytes")) for s in plan["slices"])


class Cuts(Planner):
    def test_memory_is_kept_and_time_is_least(self):
        free = self.plan("mlp.onnx", "--memory", "8G")
        self.assertEqual(len(free["slices"]), 1)
        limit = int(self.peak(free) * 0.7)
        tight = self.plan("mlp.onnx", "--memory", limit)
        self.assertGreater(len(tight["slices"]), 1)
        self.assertLessEqual(self.peak(tight), limit)
        self.assertGreaterEqual(self.total(tight, "prove_s"), self.total(free, "prove_s"))

    def test_layers_that_do_not_fit_are_split(self):
        least = self.plan("conv.onnx", "--least-memory")
        limit = int(self.peak(least) * 0.75)
        tiled = self.plan("conv.onnx", "--memory", limit)
        self.assertLessEqual(self.peak(tiled), limit)
        names = [o for s in tiled["slices"] for o in s["operators"]]
        self.assertTrue(any("[rows " in n for n in names), names)

    def test_least_memory_is_less_than_any_count(self):
        least = self.peak(self.plan("conv.onnx", "--least-memory"))
        for count in (1, 2, 4):
            self.assertLessEqual(least, 1.02 * self.peak(self.plan("conv.onnx", "--count", count)))

    def test_deadlines(self):
        one = self.plan("mlp.onnx", "--count", 1)
        seconds = 0.8 * self.total(one, "prove_s")
        fast = self.plan("mlp.onnx", "--deadline", seconds, "--workers", 3)
        busy = [0.0, 0.0, 0.0]
        for s in sorted((s["predicted"]["prove_s"] for s in fast["slices"]), reverse=True):
            busy[busy.index(min(busy))] += s
        self.assertLessEqual(max(busy), seconds)
        self.assertGreater(len(fast["slices"]), 1)
        self.dsperse("slice", "mlp.onnx", "--calibration", "default", "--deadline", "0.000001", "--workers", "2", code=5,
                     says="2 worker(s) would take")

    def test_objectives(self):
        small = self.plan("conv.onnx", "--optimize", "size", "--memory", "4G")
        default = self.plan("conv.onnx")
        self.assertEqual(small["optimize"], "size")
        self.assertLess(self.total(small, "proof_bytes"), self.total(default, "proof_bytes"))
        quick = self.plan("conv.onnx", "--optimize", "verify", "--memory", "4G")
        self.assertLessEqual(self.total(quick, "verify_s"), self.total(default, "verify_s"))

    def test_errors_say_what_would_do(self):
        base = ("slice", "mlp.onnx", "--calibration", "default")
        self.dsperse(*base, "--memory", "1M", code=5, says="raise the memory limit")
        self.dsperse(*base, "--count", "2", "--least-memory", code=2)
        self.dsperse(*base, "--count", "2", "--deadline", "3", code=2)
        self.dsperse(*base, "--workers", "2", code=2)
        self.dsperse(*base, "--optimize", "beauty", code=2)
        self.dsperse(*base, "--count", "2", "--memory", "30M", code=5, says="MiB")
        self.dsperse(*base, "--cost-model", "nowhere.json", code=3)
        (self.dir / "bad.json").write_text('{"format": "dsperse-cost-model", "version": 1}')
        self.dsperse(*base, "--cost-model", "bad.json", code=3, says="dsperse bench --calibrate")
        self.dsperse("bench", code=2, says="--calibrate")
        self.dsperse("bench", "mlp.onnx", "--calibrate", code=2)

    def test_another_machines_constants_are_used_or_refused(self):
        model = {"format": "dsperse-cost-model", "version": 1, "cpu": "another", "constants": {}, "errors": {}}
        doc = json.loads(self.dsperse("slice", "mlp.onnx", "--calibration", "default", "--count", 1, "--out", "q.plan", "--json").stdout)
        before = doc["plan"]["slices"][0]["predicted_prove_s"]
        # The constants' names are those of the refusals.
        while True:
            (self.dir / "m.json").write_text(json.dumps(model))
            done = subprocess.run([DSPERSE, "slice", "mlp.onnx", "--calibration", "default", "--count", "1", "--out", "q.plan",
                                   "--cost-model", "m.json", "--json"], cwd=self.dir, env=self.env, capture_output=True, text=True)
            if done.returncode == 0:
                break
            self.assertEqual(done.returncode, 3, done.stderr)
            missing = done.stderr.split("key '")[1].split("'")[0]
            into = model["constants"] if missing[1] == "_" and missing[:2] in ("s_", "b_", "p_") else model["errors"]
            into[missing] = 1.0 if into is model["constants"] else {"median": 0.1, "largest": 0.2}
        slow = json.loads(done.stdout)["plan"]["slices"][0]["predicted_prove_s"]
        self.assertGreater(slow, 1000 * before)  # a second for everything
        # In the state folder it is not used: it is of another CPU.
        (self.dir / "state").mkdir(exist_ok=True)
        (self.dir / "state/cost-model.json").write_text(json.dumps(model))
        try:
            done = self.dsperse("slice", "mlp.onnx", "--calibration", "default", "--count", 1, "--out", "q.plan", "--json")
            self.assertEqual(json.loads(done.stdout)["plan"]["slices"][0]["predicted_prove_s"], before)
            self.assertIn("of another CPU", done.stderr)
        finally:
            (self.dir / "state/cost-model.json").unlink()


class Beside(Planner):
    """Measured memory beside the predictions of the shipped constants: within a fifth, but for what the first slice of a process
    takes once (tables of kernels, stacks of threads, the allocators' first pages)."""

    ONCE = 16 * MIB

    def close(self, measured, predicted, what):
        self.assertGreater(measured, 0, what)
        self.assertLessEqual(abs(predicted - measured), max(0.2 * measured, self.ONCE),
                             f"{what}: predicted {predicted / MIB:.1f} MiB, measured {measured / MIB:.1f} MiB")

    def near(self, measured, predicted, what):
        """Compiling a small slice is mostly what it takes once; codewords that are recomputed leave less to predict from."""
        self.assertGreater(measured, 0, what)
        self.assertLess(predicted, 2 * measured + self.ONCE, what)
        self.assertLess(measured, 2 * predicted + self.ONCE, what)

    def whole(self, model, data, *cut, close=None):
        close = close or self.close
        self.dsperse("slice", model, "--calibration", "default", "--native-seconds", 0.01, "--out", "m.plan", *cut)
        compiled = json.loads(self.dsperse("compile", "m.plan", "--out", "m.dsm", "--threads", 1, "--json", "--cost-model", "default").stdout)
        for s in compiled["compile_slices"]:
            self.near(s["compile_bytes"], s["predicted_compile_bytes"], f"compile {model} {s['slice']}")
        subprocess.run(["rm", "-rf", str(self.dir / "r")], check=True)
        ran = json.loads(self.dsperse("run", "m.dsm", data, "--out", "r", "--threads", 1, "--json").stdout)
        for s in ran["run_slices"]:
            close(s["run_bytes"], s["predicted_run_bytes"], f"run {model} {s['slice']}")
        proved = json.loads(self.dsperse("prove", "r", "--threads", 1, "--json").stdout)
        for s in proved["slices"]:
            close(s["work_bytes"], s["predicted_work_bytes"], f"prove {model} {s['slice']}")
            self.assertEqual(s["predicted_work_bytes"], s["predicted_peak_bytes"])  # one at a time
            self.assertLess(abs(s["proof_bytes"] - s["predicted_proof_bytes"]), 0.1 * s["proof_bytes"])
        page = self.dsperse("report", "r").stdout
        self.assertIn("report", page)
        html = (self.dir / "r/report.html").read_text()
        self.assertIn("Memory to prove", html)
        self.assertIn("Memory to run", html)

    def test_convolutions(self):
        self.whole("conv.onnx", "x.json")

    def test_perceptron(self):
        self.whole("mlp.onnx", "v.json", "--count", 2)

    def test_tiles(self):
        least = self.peak(self.plan("conv.onnx", "--least-memory"))
        self.whole("conv.onnx", "x.json", "--memory", int(0.8 * least), close=self.near)

    def test_a_slice_waits_for_memory(self):
        self.dsperse("slice", "conv.onnx", "--calibration", "default", "--count", 3, "--out", "w.plan")
        self.dsperse("compile", "w.plan", "--out", "w.dsm")
        subprocess.run(["rm", "-rf", str(self.dir / "w")], check=True)
        self.dsperse("run", "w.dsm", "x.json", "--out", "w")
        plan = json.loads((self.dir / "w.plan/plan.json").read_text())
        most = max(s["predicted"]["peak_bytes"] for s in plan["slices"])
        # Room for the largest slice alone: they are proved one after the other, though two threads would like to.
        done = json.loads(self.dsperse("prove", "w", "--threads", 2, "--memory", most + 40 * MIB, "--json").stdout)
        for s in done["slices"]:
            self.assertLessEqual(s["predicted_work_bytes"], most + 40 * MIB)
        subprocess.run(["rm", "-rf", str(self.dir / "w2")], check=True)
        self.dsperse("run", "w.dsm", "x.json", "--out", "w2")
        self.dsperse("prove", "w2", "--memory", most // 2, code=5, says="allow ")


class Calibration(Planner):
    def test_one_network_is_measured_in_its_own_process(self):
        measured = json.loads(self.dsperse("bench", "--measure-network", 0).stdout)
        self.assertGreater(measured["process_bytes"], MIB)
        for s in measured["slices"]:
            for key in ("prove_s", "run_s", "compile_s", "verify_s", "proof_bytes"):
                self.assertGreater(s[key], 0)
            for key in ("prove_bytes", "run_bytes", "compile_bytes"):  # nothing where freed memory was enough
                self.assertGreaterEqual(s[key], 0)
        self.dsperse("bench", "--measure-network", 1000, code=2)


if __name__ == "__main__":
    DSPERSE = os.path.abspath(sys.argv.pop(1))
    unittest.main()
