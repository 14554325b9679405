#!/usr/bin/env python3
"""Models with operators that have no integer form: refused without a named engine; with one they run in slices that are held by trust
and counted as nothing else.

    tests/e2e/float_test.py build/release/dsperse [TestClass.test_name ...]

Standard library alone. Without an engine the fake one (src/dsperse/float_engine/testing) stands for it; what needs ONNX Runtime or OpenVINO
says that it is skipped. Their Python is $DSPERSE_PYTHON, or python3.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import tiny_onnx  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAKE = ROOT / "src/dsperse/float_engine/testing/fake_engine.py"
PYTHON = os.environ.get("DSPERSE_PYTHON", "python3")
SIZE = 6
DSPERSE = None


def has(engine):
    try:
        done = subprocess.run([PYTHON, "-c", f"import {engine}, numpy"], capture_output=True, timeout=300)
    except OSError:
        return False
    return done.returncode == 0


def conv(g, x, channels, to, output=None):
    x = g.op("Conv", x, g.weights(to, channels, 3, 3, scale=0.5), g.weights(to, scale=0.2), pads=[1, 1, 1, 1])
    return g.op("Relu", x, output=output)


def head(g, x, channels, output="y"):
    x = g.op("Flatten", x)
    g.op("Gemm", x, g.weights(channels * SIZE * SIZE, 5, scale=0.3), g.weights(5), output=output)


def middle(operator, opset=20):
    """Conv, Relu | the operator | Conv, Relu, Flatten, Gemm."""
    g = tiny_onnx.Graph(7)
    x = operator(g, conv(g, "x", 1, 4))
    head(g, conv(g, x, 4, 3), 3)
    return g.model([("x", [1, 1, SIZE, SIZE])], [("y", [1, 5])], opset)


def unknown(g, x):
    return g.op("Turnaround", x)


def transformer():
    """A network says how its image is turned before another reads it: a grid that is computed has no integer form."""
    g = tiny_onnx.Graph(3)
    features = g.op("Flatten", conv(g, "x", 1, 2))
    theta = g.op("Gemm", features, g.weights(2 * SIZE * SIZE, 6, scale=0.05), g.constant([6], [1, 0, 0, 0, 1, 0]))
    theta = g.op("Reshape", theta, g.constant([3], [1, 2, 3], tiny_onnx.INT64))
    grid = g.op("AffineGrid", theta, g.constant([4], [1, 1, SIZE, SIZE], tiny_onnx.INT64))
    head(g, conv(g, g.op("GridSample", "x", grid), 1, 3), 3)
    return g.model([("x", [1, 1, SIZE, SIZE])], [("y", [1, 5])], 20)


class FloatTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dsperse-float-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.env = {**os.environ, "DSPERSE_STATE_DIR": str(self.dir / "state"), "NO_COLOR": "1"}
        values = [((i * 37) % 100) / 50.0 - 1 for i in range(SIZE * SIZE)]
        (self.dir / "x.json").write_text(json.dumps({"x": [[[values[r * SIZE:(r + 1) * SIZE] for r in range(SIZE)]]]}))

    def write(self, model, name="m.onnx"):
        (self.dir / name).write_bytes(model)

    def run_dsperse(self, *args, **env):
        return subprocess.run([DSPERSE, *map(str, args)], cwd=self.dir, env={**self.env, **env}, capture_output=True, text=True, timeout=300)

    def ok(self, *args, code=0, **env):
        done = self.run_dsperse(*args, **env)
        self.assertEqual(done.returncode, code, f"dsperse {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def fails(self, code, *args, says=(), **env):
        done = self.ok(*args, code=code, **env)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.stderr + done.stdout)
        return done

    def verify(self, *more, code=0, run="m.run", key="m.dsk", **env):
        return self.ok("verify", f"{run}/certificate.dscert", "--key", key, "--input", "x.json", "--output", f"{run}/output.json", *more,
                       code=code, **env)

    def all_steps(self, engine, *more):
        """plan, compile, run, prove; the plan's document."""
        self.ok("slice", "m.onnx", "--float-engine", engine, *more)
        self.ok("compile", "m.plan")
        ran = self.ok("run", "m.dsm", "x.json")
        proved = self.ok("prove", "m.run")
        for done in ran, proved:
            self.assertIn(f"trust, run in float by {engine}", done.stdout)
        return json.loads((self.dir / "m.plan/plan.json").read_text())


class WithFake(FloatTest):
    """The engine's part, played by one that turns tensors around."""

    def setUp(self):
        super().setUp()
        self.env["DSPERSE_PYTHON"] = str(FAKE)

    def test_without_the_flag_it_is_refused(self):
        self.write(middle(unknown))
        self.fails(4, "slice", "m.onnx", says=["Turnaround", "--float-engine"])
        self.fails(4, "inspect", "m.onnx", says="Turnaround")

    def test_accepted_as_trust(self):
        self.write(middle(unknown))
        plan = self.all_steps("onnxruntime")
        floats = [s for s in plan["slices"] if "float" in s]
        self.assertEqual(len(floats), 1)
        self.assertEqual(floats[0]["mode"], "trust")
        self.assertEqual(floats[0]["float"]["operators"], ["Turnaround"])
        number = floats[0]["slice"]
        self.assertEqual([s["mode"] for s in plan["slices"] if "float" not in s], ["proof"] * (len(plan["slices"]) - 1))
        done = self.verify("--policy", "m.plan/policy.toml")
        self.assertIn(f"weakest: slice {number}, trust, run in float by onnxruntime 1.0.fake (Turnaround)", done.stdout)
        self.assertTrue(done.stdout.startswith("accepted: "), done.stdout)
        document = json.loads(self.verify("--policy", "m.plan/policy.toml", "--json").stdout)
        self.assertEqual(document["slices"][number]["mode"], "trust")
        self.assertEqual(document["slices"][number]["float"]["engine"], "onnxruntime")
        for count in "slices", "operators":
            self.assertEqual(document["coverage"][f"{count}_proved"], document["coverage"][count] - 1)
        python = subprocess.run([sys.executable, ROOT / "tools/verify.py", "m.run/certificate.dscert", "--key", "m.dsk", "--input", "x.json",
                                 "--output", "m.run/output.json", "--policy", "m.plan/policy.toml"], cwd=self.dir, capture_output=True, text=True)
        self.assertEqual((python.returncode, python.stdout.splitlines()[:1]), (0, ["accepted"]), python.stderr)

    def test_never_more_than_trust(self):
        self.write(middle(unknown))
        plan = self.all_steps("onnxruntime")
        number = next(s["slice"] for s in plan["slices"] if "float" in s)
        reason = "runs in float"
        # A verifier's own policy: by default everything must be proved.
        for policy in ([], ["--policy", "proof"], ["--slices", str(number)]):
            done = self.verify(*policy, code=1)
            self.assertIn(reason, done.stdout)
            self.assertIn(f"slice {number}, run in float by onnxruntime 1.0.fake", done.stdout)
            self.assertIn("nothing but trust", done.stdout)
        for mode in ("replicate(2)", "audit(0.5)", "audit(0.5, by=proof)"):
            (self.dir / "p.toml").write_text(f'default = "proof"\n[[rule]]\nslices = "{number}"\nmode = "{mode}"\n')
            self.assertIn(reason, self.verify("--policy", "p.toml", code=1).stdout)
        # A plan that is edited, a policy for the prover.
        text = (self.dir / "m.plan/plan.json").read_text()
        plan["slices"][number]["mode"] = "proof"
        (self.dir / "m.plan/plan.json").write_text(json.dumps(plan))
        self.fails(2, "compile", "m.plan", "--out", "other.dsm", says=["nothing but trust", f"slice {number}"])
        (self.dir / "m.plan/plan.json").write_text(text)
        self.fails(4, "prove", "m.run", "--policy", "proof", says=[reason, "trust"])
        # A certificate with something in the place of a proof.
        python = subprocess.run([sys.executable, ROOT / "tools/verify.py", "m.run/certificate.dscert", "--key", "m.dsk", "--input", "x.json",
                                 "--output", "m.run/output.json"], cwd=self.dir, capture_output=True, text=True)
        self.assertEqual(python.returncode, 1, python.stdout + python.stderr)
        self.assertIn(reason, python.stdout)

    def test_a_policy_must_say_trust(self):
        self.write(middle(unknown))
        flag = ["slice", "m.onnx", "--float-engine", "onnxruntime"]
        self.fails(2, *flag, "--policy", "proof", says=["nothing but trust", 'mode = "trust"'])
        (self.dir / "p.toml").write_text('default = "proof"\n[[rule]]\nname = "*"\nmode = "proof"\n')
        self.fails(2, *flag, "--policy", "p.toml", says="nothing but trust")
        self.ok(*flag, "--policy", "trust")
        number = next(s["slice"] for s in json.loads((self.dir / "m.plan/plan.json").read_text())["slices"] if "float" in s)
        (self.dir / "p.toml").write_text(f'default = "proof"\n[[rule]]\nslices = "{number}"\nmode = "trust"\n')
        self.ok(*flag, "--policy", "p.toml")

    def test_what_cannot_be_done_says_so(self):
        self.write(middle(unknown))
        self.all_steps("onnxruntime")
        self.fails(6, "run", "m.dsm", "x.json", "--out", "o", says=["version", "pip install onnxruntime==1.0.fake"], FAKE_VERSION="2.0")
        self.fails(6, "run", "m.dsm", "x.json", "--out", "o", says=["No module named", "pip install onnxruntime"], FAKE_ENGINE="missing")
        self.fails(6, "run", "m.dsm", "x.json", "--out", "o", says="ended", FAKE_ENGINE="dies")
        self.fails(3, "run", "m.dsm", "x.json", "--out", "o", says="where the model has", FAKE_ENGINE="shape")
        self.fails(3, "run", "m.dsm", "x.json", "--out", "o", says="t3", FAKE_ENGINE="nan")
        self.fails(6, "slice", "m.onnx", "--float-engine", "onnxruntime", says="pip install onnxruntime", FAKE_ENGINE="missing")
        self.fails(4, "slice", "m.onnx", "--float-engine", "onnxruntime", says=["no such operator", "(Turnaround)"], FAKE_ENGINE="refuses")
        self.fails(4, "run", "m.dsm", "x.json", "--out", "w", "--workers", "2", says="runs in float")
        self.fails(4, "prove", "m.run", "--challenge", "00" * 32, says="runs in float")
        self.fails(4, "bench", "m.onnx", "--float-engine", "onnxruntime", says="in float")

    def test_a_network_that_is_not_the_keys(self):
        self.write(middle(unknown))
        self.ok("slice", "m.onnx", "--float-engine", "onnxruntime")
        (self.dir / "m.plan/float-0.onnx").write_bytes(b"another")
        self.fails(3, "compile", "m.plan", says="float-0.onnx")

    def test_two_pieces_skips_and_ends(self):
        """x -> float -> conv -> float, with a skip around, and float last: borders at both ends of the model."""
        g = tiny_onnx.Graph(9)
        first = g.op("Turnaround", "x")
        a = conv(g, first, 1, 3)
        b = g.op("Turnaround", a)
        both = g.op("Add", a, b)
        c = conv(g, both, 3, 1)
        g.op("Turnaround", g.op("Turnaround", c), output="y")
        self.write(g.model([("x", [1, 1, SIZE, SIZE])], [("y", [1, 1, SIZE, SIZE])]))
        plan = self.all_steps("onnxruntime")
        operators = [s["float"]["operators"] for s in plan["slices"] if "float" in s]
        self.assertEqual(operators, [["Turnaround"], ["Turnaround"], ["Turnaround"] * 2])
        self.verify("--policy", "m.plan/policy.toml")
        self.assertIn("(2 Turnaround)", self.ok("slice", "m.onnx", "--float-engine", "onnxruntime").stdout)
        self.ok("compile", "m.plan", "--private-input", "--out", "p.dsm")
        ran = self.ok("run", "p.dsm", "x.json", "--out", "p.run")
        commitment = next(line for line in ran.stdout.splitlines() if "commit:" in line).split()[-1]
        self.ok("prove", "p.run")
        self.ok("verify", "p.run/certificate.dscert", "--key", "p.dsk", "--input", commitment, "--output", "p.run/output.json", "--policy",
                "m.plan/policy.toml")

    def test_full_run(self):
        self.write(middle(unknown))
        done = self.ok("full-run", "m.onnx", "x.json", "--float-engine", "onnxruntime", "--out", "R")
        self.assertIn("trust, run in float by onnxruntime 1.0.fake (Turnaround)", done.stdout)
        document = json.loads((self.dir / "R/full-run.json").read_text())
        self.assertEqual([f["engine"] for f in document["float_slices"]], ["onnxruntime"])


class WithEngine:
    """GridSample with a computed grid: the run's output against the engine's of the whole model."""
    engine = None

    @classmethod
    def setUpClass(cls):
        if not has(cls.engine):
            raise unittest.SkipTest(f"{PYTHON} has no {cls.engine}: pip install {cls.engine}, or set DSPERSE_PYTHON")

    def reference(self, model="m.onnx"):
        code = ("import sys, json, numpy, onnxruntime\n"
                "x = numpy.array(json.load(open('x.json'))['x'], numpy.float32)\n"
                f"print(json.dumps(onnxruntime.InferenceSession('{model}').run(None, {{'x': x}})[0].ravel().tolist()))")
        done = subprocess.run([PYTHON, "-c", code], cwd=self.dir, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def compare(self, tolerance):
        values = json.loads((self.dir / "m.run/output.json").read_text())["outputs"]["y"]["values"]
        wanted = self.reference()
        largest = max(abs(v) for v in wanted)
        self.assertGreater(largest, 0)
        for got, want in zip(values, wanted):
            self.assertLess(abs(got - want), tolerance * largest, (values, wanted))

    def test_a_spatial_transformer(self):
        self.write(transformer())
        self.fails(4, "slice", "m.onnx", says="--float-engine")
        plan = self.all_steps(self.engine)
        floats = [s["float"] for s in plan["slices"] if "float" in s]
        self.assertEqual(len(floats), 1)
        self.assertEqual(floats[0]["operators"][-1], "GridSample")
        self.assertIn("x", floats[0]["inputs"])
        done = self.verify("--policy", "m.plan/policy.toml")
        self.assertIn(f"run in float by {self.engine}", done.stdout)
        self.verify(code=1)
        if has("onnxruntime"):
            self.compare(0.03)

    def test_shapes_that_depend_on_values(self):
        g = tiny_onnx.Graph(5)
        x = conv(g, "x", 1, 2)
        g.op("NonZero", x, output="y")
        self.write(g.model([("x", [1, 1, SIZE, SIZE])], [("y", [4, 1], tiny_onnx.INT64)]))
        self.fails(4, "slice", "m.onnx", "--float-engine", self.engine, says="depends on values")


class WithOnnxRuntime(WithEngine, FloatTest):
    engine = "onnxruntime"


class WithOpenVino(WithEngine, FloatTest):
    engine = "openvino"


if __name__ == "__main__":
    DSPERSE = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
