#!/usr/bin/env python3
"""Two verifiers, one verdict: tools/verify.py (Python, written from docs/) against `dsperse verify` on honest and broken files.

    tests/e2e/verifiers_test.py build/release/dsperse quick|slow [TestClass.test_name ...]

Quick: one network with every operator as one slice; a change in each part of its proof and of its certificate; what the user
says. Slow: the digit classifiers, both profiles, private inputs, policies, weight epochs. Standard library alone.
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from certificate import Certificate  # noqa: E402
from tiny_onnx import INT64, Graph  # noqa: E402
from verify.keys import decode_key  # noqa: E402
from verify.statements import slice_argument  # noqa: E402

DIGITS = ROOT / "examples/digits"
VERIFY = ROOT / "tools/verify.py"
DSPERSE = None
P = 2**64 - 2**32 + 1
POOL = ThreadPoolExecutor(os.cpu_count())  # of processes that are waited for


def every_operator():
    """Convolutions with padding, dilation and groups, a residual sum, all activations, both pools, movements, products."""
    g = Graph(1)
    x = g.op("Conv", "x", g.weights(4, 2, 3, 3, scale=0.4), g.weights(4, scale=0.3), pads=[1, 1, 1, 1])
    a = g.op("Relu", x)
    d = g.op("Sigmoid", g.op("Conv", a, g.weights(4, 1, 3, 3, scale=0.4), pads=[2, 2, 2, 2], dilations=[2, 2], group=4))
    s = g.op("LeakyRelu", g.op("Add", a, d), alpha=0.1)
    p = g.op("MaxPool", s, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])
    q = g.op("AveragePool", s, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=0)
    c = g.op("Concat", p, q, axis=1)
    c = g.op("Pad", c, g.constant([8], [0, 0, 0, 1, 0, 0, 1, 0], INT64), g.constant([], [0.5]), mode="constant")
    c = g.op("Clip", c, g.constant([], [-0.75]), g.constant([], [1.5]))
    m = g.op("Flatten", g.op("GlobalAveragePool", c), axis=1)
    t = g.op("Tanh", g.op("Gemm", m, g.weights(8, 5, scale=0.5), g.weights(5, scale=0.5)))
    g.op("Gemm", t, g.weights(5, 3, scale=0.5), output="y")
    return g.model([("x", [1, 2, 7, 9])], [("y", [1, 3])])


def attention():
    """A block of a transformer, and what else reads rows: every integer operator that every_operator() lacks."""
    g = Graph(2)
    n = g.op("LayerNormalization", "x", g.weights(8), g.weights(8, scale=0.2), axis=-1)
    q, k, v = (g.op("MatMul", n, g.weights(8, 8, scale=0.5)) for _ in range(3))
    scores = g.op("Div", g.op("MatMul", q, g.op("Transpose", k, perm=[1, 0])), g.constant([], [8 ** 0.5]))
    mask = g.constant([6, 6], [0.0 if j <= i else -1e9 for i in range(6) for j in range(6)])
    a = g.op("MatMul", g.op("Softmax", g.op("Add", scores, mask), axis=-1), v)
    r = g.op("Add", g.op("Mul", a, g.op("Softplus", q)), "x")
    s = g.op("ReduceSum", g.op("Exp", g.op("Tanh", r)), g.constant([1], [1], INT64), keepdims=1)
    d = g.op("Div", r, s)
    g.op("ArgMax", d, axis=1, keepdims=0, output="best")
    m = g.op("Mul", d, g.op("Hardmax", d, axis=1))
    g.op("Add", m, g.op("ReduceMax", g.op("ReduceMean", r, axes=[0], keepdims=1), axes=[1], keepdims=1), output="y")
    return g.model([("x", [6, 8])], [("y", [6, 8]), ("best", [6], INT64)], opset=17)


def tensor_of(size, factor):
    return [((i * 37 + factor) % 41 - 20) / 10 for i in range(size)]


def first_line(text):
    """Of a verdict; what holds slices without proof (after "accepted: ") is said by `dsperse verify` alone."""
    line = text.split("\n")[0]
    return "accepted" if line.startswith("accepted: ") else line


class Verifiers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="dsperse-verifiers-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.dir = pathlib.Path(cls.folder.name)
        cls.env = {**os.environ, "DSPERSE_STATE_DIR": str(cls.dir / "state"), "NO_COLOR": "1"}
        (cls.dir / "net.onnx").write_bytes(every_operator())
        for name, factor in (("x.json", 3), ("other.json", 4)):
            (cls.dir / name).write_text(json.dumps(tensor_of(126, factor)))

    def call(self, *command, code=0):
        done = subprocess.run(list(map(str, command)), cwd=self.dir, env=self.env, capture_output=True, text=True, timeout=600)
        if code is not None:
            self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}\n{done.stderr}")
        return done

    def dsperse(self, *args, **kwargs):
        return self.call(DSPERSE, *args, **kwargs)

    def both(self, *args, says=None):
        """Both verifiers on the same arguments: one exit code, one first line of the verdict."""
        cpp, python = POOL.map(lambda command: self.call(*command, *args, code=None),
                               ((DSPERSE, "verify", "--no-cache"), (sys.executable, VERIFY)))
        self.assertEqual(cpp.returncode, python.returncode, f"{args}\n{cpp.stdout}{cpp.stderr}\n{python.stdout}{python.stderr}")
        self.assertEqual(first_line(cpp.stdout), first_line(python.stdout), args)
        if says is not None:
            self.assertIn(says, python.stdout + python.stderr)
        return python

    def files(self, run, image="x.json", output=None, key=None):
        return ("--key", key or f"{run}/model.dsk", "--input", image, "--output", output or f"{run}/output.json")

    def agree(self, cases, key, inputs, outputs, run):
        """A corpus of certificates with the verdicts of `dsperse verify`; the Python verifier must agree with each."""
        corpus = self.dir / "corpus"
        corpus.mkdir(exist_ok=True)
        (corpus / "key").write_bytes(key)
        (corpus / "user.json").write_text(json.dumps({"model_id": None, "nonce": "01", "policy": None, "inputs": inputs,
                                                      "outputs": outputs}))
        for number, (_, data) in enumerate(cases):
            (corpus / str(number)).write_bytes(data)
        verdicts = POOL.map(lambda number: self.dsperse("verify", corpus / str(number), *self.files(run), "--nonce", "01", "--json",
                                                        "--no-cache", code=None), range(len(cases)))
        manifest = []
        for number, ((name, _), done) in enumerate(zip(cases, verdicts)):
            self.assertIn(done.returncode, (0, 1, 3), f"{name}: {done.stdout}{done.stderr}")
            document = json.loads(done.stdout)
            manifest.append({"name": name, "key": "key", "certificate": str(number), "expectation": "user.json",
                             "accept": done.returncode == 0, "reason": document.get("reason", ""),
                             "where": "certificate" if done.returncode == 3 else document.get("where", "")})
        (corpus / "manifest.json").write_text(json.dumps(manifest))
        self.assertTrue(manifest[0]["accept"], manifest[0])
        done = self.call(sys.executable, VERIFY, "--corpus", corpus, code=None)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return manifest


class Quick(Verifiers):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subprocess.run([DSPERSE, "full-run", "net.onnx", "x.json", "--count", "2", "--nonce", "01", "--out", "R"], cwd=cls.dir,
                       env=cls.env, check=True, capture_output=True, timeout=300)
        cls.key = (cls.dir / "R/model.dsk").read_bytes()
        cls.model = decode_key(cls.key)
        cls.data = (cls.dir / "R/certificate.dscert").read_bytes()

    def certificate(self):
        certificate = Certificate(self.data, len(self.model.chunks))
        self.assertEqual(certificate.encode(), self.data)
        return certificate

    def user(self):
        """The integers of the honest run, by edge: inputs and outputs."""
        table = self.certificate().table
        values = {e.name: {"values": [x for c in e.chunks for x, in struct.iter_unpack("<i", table[c][9:])]}
                  for e in self.model.edges if e.is_input or e.is_output}
        return ({e.name: values[e.name] for e in self.model.edges if e.is_input},
                {e.name: values[e.name] for e in self.model.edges if e.is_output})

    def parts(self, slice_number):
        """Where each part of a slice's proof begins: docs/formats/proof.md."""
        _, layout = slice_argument(self.model.slices[slice_number])
        d, at, out = 8 * layout.degree, 8, {"magic": 0}
        elements = [("hidden", layout.pads), ("clear", 2 * layout.slots), ("last", 2 * layout.variables), ("v", len(layout.groups)),
                    *((f"u {g.label}", g.geometry.k) for g in layout.groups), ("h", 1), ("u_end", layout.end.k)]
        sizes = [*((f"root {g.label}", 32) for g in layout.groups), ("root end", 32), ("first nonce", 8), ("second nonce", 8),
                 *((name, d * n) for name, n in elements)]
        for name, size in sizes:
            out[name] = at
            at += size
        first = layout.groups[0]
        columns, salts = at, at + 8 * first.geometry.t * first.trees[0].rows
        out.update({"column": columns, "salt": salts, "path length": salts + 32 * first.geometry.t,
                    "path": salts + 32 * first.geometry.t + 4})
        return out

    def test_a_change_in_each_part_of_a_proof(self):
        last = len(self.model.slices) - 1
        cases = [("honest", self.data)]
        for name, at in self.parts(0).items():
            certificate = self.certificate()
            head, proof = certificate.slices[0]
            certificate.slices[0] = (head, proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1:])
            cases.append((name, certificate.encode()))
        for name, change in (("not canonical", lambda p, at: p[:at] + P.to_bytes(8, "little") + p[at + 8:]),
                             ("too short", lambda p, at: p[:-1]), ("too long", lambda p, at: p + b"\0"),
                             ("cut", lambda p, at: p[:1000]),
                             ("one digest too few", lambda p, at: p[:-32]), ("end path", lambda p, at: p[:-1] + bytes([p[-1] ^ 1]))):
            certificate = self.certificate()
            head, proof = certificate.slices[0]
            certificate.slices[0] = (head, change(proof, self.parts(0)["hidden"]))
            cases.append((name, certificate.encode()))
        certificate = self.certificate()  # a whole path of another length
        head, proof = certificate.slices[last]
        at = self.parts(last)["path length"]
        length = int.from_bytes(proof[at:at + 4], "little")
        for name, count in (("path and length grow", length + 1), ("path and length shrink", length - 1)):
            paths = proof[at + 4:]
            paths = bytes(32) + paths if count > length else paths[32:]
            certificate.slices[last] = (head, proof[:at] + count.to_bytes(4, "little") + paths)
            cases.append((name, certificate.encode()))
        manifest = self.agree(cases, self.key, *self.user(), "R")
        self.assertTrue(all(not entry["accept"] for entry in manifest[1:]), manifest)
        reasons = {entry["reason"] for entry in manifest}
        for reason in ("u does not evaluate to v", "end check", "Merkle root", "element not canonical", "proof length",
                       "proof magic", "proof of work", "Merkle path too long", "Merkle path too short"):
            self.assertIn(reason, reasons)

    def test_ops_of_transformers(self):
        (self.dir / "attention.onnx").write_bytes(attention())
        (self.dir / "rows.json").write_text(json.dumps(tensor_of(48, 5)))
        self.dsperse("full-run", "attention.onnx", "rows.json", "--count", "2", "--nonce", "01", "--out", "A")
        files = self.files("A", image="rows.json")
        python = self.both("A/certificate.dscert", *files, "--nonce", "01")
        self.assertTrue(python.stdout.startswith("accepted"), python.stdout)
        model = decode_key((self.dir / "A/model.dsk").read_bytes())
        kinds = {type(op.body).__name__ for piece in model.slices for op in piece.program.ops}
        self.assertLessEqual({"Contract", "Reduce", "Extreme", "Softmax", "Normalize", "Divide", "OneHot"}, kinds)
        data = (self.dir / "A/certificate.dscert").read_bytes()
        for at in (len(data) // 4, len(data) // 2):
            (self.dir / "changed.dscert").write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
            self.assertEqual(self.both("changed.dscert", *files).returncode, 1)

    def test_a_change_in_each_part_of_a_certificate(self):
        self.dsperse("run", "R/model.dsm", "other.json", "--nonce", "01", "--out", "S")
        self.dsperse("prove", "S")
        other = Certificate((self.dir / "S/certificate.dscert").read_bytes(), len(self.model.chunks))
        cases = [("honest", self.data)]

        def case(name, change):
            certificate = self.certificate()
            change(certificate)
            cases.append((name, certificate.encode()))

        def flip(data, at):
            return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]

        case("model id", lambda c: setattr(c, "head", flip(c.head, 8)))
        case("magic", lambda c: setattr(c, "head", flip(c.head, 0)))
        case("nonce", lambda c: setattr(c, "nonce", b"\2"))
        case("salt", lambda c: setattr(c, "salt", flip(c.salt, 5)))
        for i in range(len(self.model.chunks)):
            case(f"chunk {i} number", lambda c: c.table.__setitem__(i, flip(c.table[i], 0)))
            case(f"chunk {i} kind", lambda c: c.table.__setitem__(i, flip(c.table[i], 4)))
            case(f"chunk {i} value", lambda c: c.table.__setitem__(i, flip(c.table[i], 9)))
            case(f"chunk {i} of another run", lambda c: c.table.__setitem__(i, other.table[i]))
        case("weights", lambda c: c.slices.__setitem__(0, (flip(c.slices[0][0], 4), c.slices[0][1])))
        case("opening", lambda c: c.slices.__setitem__(0, (flip(c.slices[0][0], 37), c.slices[0][1])))
        case("opening 0", lambda c: c.slices.__setitem__(0, (c.slices[0][0][:36] + bytes(4) + c.slices[0][0][40:], c.slices[0][1])))
        case("slice number", lambda c: c.slices.__setitem__(0, (flip(c.slices[0][0], 0), c.slices[0][1])))
        case("proof missing", lambda c: c.slices.pop())
        case("twice", lambda c: c.slices.insert(0, c.slices[0]))
        case("order", lambda c: c.slices.reverse())
        case("proof of another run", lambda c: c.slices.__setitem__(0, other.slices[0]))
        case("proofs exchanged", lambda c: c.slices.__setitem__(0, (c.slices[0][0], c.slices[1][1])))
        cases += [("empty", b""), ("half", self.data[:len(self.data) // 2]), ("longer", self.data + b"\0")]
        manifest = self.agree(cases, self.key, *self.user(), "R")
        self.assertTrue(all(not entry["accept"] for entry in manifest[1:]), manifest)

    def test_record_of_receipts(self):
        """A record is bytes to the Python verifier; `dsperse verify` reads it."""
        data = b"DSCRT002" + self.data[8:]
        (self.dir / "record.dscert").write_bytes(data + (3).to_bytes(4, "little") + b"abc")
        args = ("record.dscert", *self.files("R"), "--nonce", "01")
        python = self.call(sys.executable, VERIFY, *args)
        self.assertTrue(python.stdout.startswith("accepted"), python.stdout)
        self.assertIn("receipts not read", python.stdout)
        self.assertIn("not a record of a run", self.dsperse("verify", *args, code=3).stderr)
        for tail in (bytes(4), b"", (3).to_bytes(4, "little") + b"ab", (3).to_bytes(4, "little") + b"abcd"):
            (self.dir / "record.dscert").write_bytes(data + tail)
            self.both(*args)

    def test_what_the_user_says(self):
        honest = self.files("R")
        self.both("R/certificate.dscert", *honest, "--nonce", "02", says="nonce differs")
        self.both("R/certificate.dscert", *honest, "--nonce", "xy")
        self.both("R/certificate.dscert", *honest, "--model-id", "00" * 32, says="pinned")
        self.both("R/certificate.dscert", *self.files("R", image="other.json"), "--nonce", "01", says="input differs")
        self.both("R/certificate.dscert", *self.files("R", image="commit:" + "00" * 32), says="input differs")
        self.both("R/certificate.dscert", *honest, "--slices", "0", says="does not ask for")
        self.both("R/certificate.dscert", *honest, "--policy", "trust", says="does not ask for")
        self.both("R/certificate.dscert", *honest, "--slices", "0-7")
        self.both("R/certificate.dscert", *honest, "--slices", "x")
        document = json.loads((self.dir / "R/output.json").read_text())
        document["outputs"]["y"]["integers"][0] += 1
        (self.dir / "changed.json").write_text(json.dumps(document))
        self.both("R/certificate.dscert", *self.files("R", output="changed.json"), says="output differs")
        (self.dir / "short.json").write_text("[1, 2]")
        self.both("R/certificate.dscert", *self.files("R", image="short.json"))
        self.both("net.onnx", *honest)
        self.both("R/certificate.dscert", *self.files("R", key="net.onnx"))
        self.both("absent", *honest)


class Slow(Verifiers):
    def test_digits_and_their_documents(self):
        for net, image in (("lenet5.onnx", "0.png"), ("mlp.onnx", "7.png")):
            run = net[:-5]
            self.dsperse("full-run", DIGITS / net, DIGITS / "images" / image, "--labels", DIGITS / "labels.txt", "--nonce", "01",
                         "--out", run)
            files = self.files(run, image=DIGITS / "images" / image)
            python = self.both(f"{run}/certificate.dscert", *files, "--nonce", "01")
            self.assertTrue(python.stdout.startswith("accepted"), python.stdout)
        document = json.loads((self.dir / "mlp/output.json").read_text())
        for member, value in (("label", "3"), ("exponent", 2), ("shape", [10])):
            changed = json.loads(json.dumps(document))
            changed["outputs"][next(iter(changed["outputs"]))][member] = value
            (self.dir / "changed.json").write_text(json.dumps(changed))
            self.both("mlp/certificate.dscert", *self.files("mlp", image=DIGITS / "images/7.png", output="changed.json"),
                      says="do not follow")

    def test_both_profiles_and_private_inputs(self):
        for profile in ("100", "128"):
            run = f"P{profile}"
            done = self.dsperse("full-run", "net.onnx", "x.json", "--nonce", "01", "--out", run, "--profile", profile,
                                "--private-input")
            commitment = json.loads((self.dir / run / "output.json").read_text())["input_commitments"]["x"]
            self.assertTrue(done.stdout.startswith("accepted"))
            python = self.both(f"{run}/certificate.dscert", *self.files(run, image="commit:" + ",".join(commitment)), "--nonce", "01")
            self.assertTrue(python.stdout.startswith("accepted"), python.stdout)
            self.both(f"{run}/certificate.dscert", *self.files(run), says="input differs")

    def test_public_weights(self):
        self.dsperse("full-run", "net.onnx", "x.json", "--nonce", "01", "--out", "W", "--weights", "public")
        python = self.both("W/certificate.dscert", *self.files("W"), "--nonce", "01")
        self.assertTrue(python.stdout.startswith("accepted"), python.stdout)
        data = (self.dir / "W/certificate.dscert").read_bytes()
        (self.dir / "changed.dscert").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        self.both("changed.dscert", *self.files("W"), says="Merkle root")

    def test_policies(self):
        (self.dir / "middle.toml").write_text('default = "trust"\n[[rule]]\nslices = "1-2"\nmode = "proof"\n')
        self.dsperse("full-run", "net.onnx", "x.json", "--nonce", "01", "--out", "T", "--policy", "middle.toml")
        (self.dir / "p.toml").write_text('default = "trust"\n[[rule]]\nname = "n[1-3]*"\nmode = "proof"\n[[rule]]\n'
                                         'slices = "0"\nmode = "trust"\n')
        for policy in (("--slices", "1-2"), ("--policy", "middle.toml"), ("--policy", "p.toml"), ("--policy", "trust"), ()):
            self.both("T/certificate.dscert", *self.files("T"), *policy)

    def test_epochs(self):
        self.dsperse("slice", "net.onnx", "--count", "1", "--calibration", "default")
        self.dsperse("compile", "net.plan")
        links = 0
        for i in range(5):
            self.dsperse("run", "net.dsm", "x.json", "--nonce", "01", "--out", f"E{i}")
            self.dsperse("prove", f"E{i}")
            certificate = Certificate((self.dir / f"E{i}/certificate.dscert").read_bytes(),
                                      len(decode_key((self.dir / "net.dsk").read_bytes()).chunks))
            links = int.from_bytes(certificate.slices[0][0][40:44], "little")
        self.assertGreater(links, 0)
        files = self.files("E4", key="net.dsk")
        python = self.both("E4/certificate.dscert", *files)
        self.assertTrue(python.stdout.startswith("accepted"), python.stdout)
        head, proof = certificate.slices[0]
        for at in (44, 76, 108, 112, 44 + 76 + 8, len(head) - 1):  # base, epoch, both openings, proof
            certificate.slices[0] = (head[:at] + bytes([head[at] ^ 1]) + head[at + 1:], proof)
            (self.dir / "changed.dscert").write_bytes(certificate.encode())
            self.assertEqual(self.both("changed.dscert", *files).returncode, 1)
        certificate.slices[0] = (head[:40] + bytes(4), proof)
        (self.dir / "changed.dscert").write_bytes(certificate.encode())
        self.both("changed.dscert", *files, says="epoch without link")


if __name__ == "__main__":
    DSPERSE = str(pathlib.Path(sys.argv.pop(1)).resolve())
    suite = {"quick": "Quick", "slow": "Slow"}[sys.argv.pop(1)]
    unittest.main(argv=sys.argv[:1] + (sys.argv[1:] or [suite]))
