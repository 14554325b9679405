#!/usr/bin/env python3
"""The command line from end to end on the digit classifiers: what must be accepted, what must be refused, and how it says so.

    tests/e2e/e2e_test.py build/release/dsperse [TestClass.test_name ...]

Standard library alone. Every test has its own folder and its own state folder.
"""

import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

from certificate import Certificate
from images import read_gray, write_gray, write_png

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples/digits"
LENET, MLP, LABELS, ZERO = DIGITS / "lenet5.onnx", DIGITS / "mlp.onnx", DIGITS / "labels.txt", DIGITS / "images/0.png"
DSPERSE = None


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"exit {self.code}\n{self.out}\n{self.err}"


class EndToEnd(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dsperse-e2e-")
        self.dir = pathlib.Path(self.folder.name)
        self.env = {**os.environ, "DSPERSE_STATE_DIR": str(self.dir / "state"), "NO_COLOR": "1"}
        self.addCleanup(self.folder.cleanup)

    def run_dsperse(self, *args, **kwargs):
        command = [DSPERSE, *map(str, args)]
        return Result(subprocess.run(command, cwd=self.dir, env=self.env, capture_output=True, text=True, timeout=300, **kwargs))

    def ok(self, *args, code=0, **kwargs):
        result = self.run_dsperse(*args, **kwargs)
        self.assertEqual(result.code, code, f"dsperse {' '.join(map(str, args))}: {result}")
        return result

    def full_run(self, *more, model=LENET, image=ZERO, out="R", code=0):
        return self.ok("full-run", model, image, "--out", out, "--labels", LABELS, *more, code=code)

    def verify(self, *more, run="R", certificate=None, key=None, image=ZERO, output=None, nonce="01"):
        r = self.dir / run
        return self.run_dsperse("verify", certificate or r / "certificate.dscert", "--key", key or r / "model.dsk", "--input", image,
                                "--output", output or r / "output.json", *(["--nonce", nonce] if nonce else []), *more)

    def accepted(self, result):
        self.assertEqual(result.code, 0, result)
        self.assertTrue(result.out.startswith("accepted"), result)

    def refused(self, result, codes=(1, 3)):
        """Rejected (1) with its reason on stdout, or malformed (3) with its reason on stderr."""
        self.assertIn(result.code, codes, result)
        if result.code == 1:
            self.assertTrue(result.out.startswith("rejected "), result)
            self.assertGreater(len(result.out.splitlines()[0]), len("rejected "), result)
        else:
            self.assertTrue(result.err.startswith("error: "), result)


class Verdicts(EndToEnd):
    def setUp(self):
        super().setUp()
        self.document = json.loads(self.full_run("--nonce", "01", "--json").out)
        self.certificate = (self.dir / "R/certificate.dscert").read_bytes()

    def test_honest_run_and_its_freshness(self):
        self.accepted(self.verify("--model-id", self.document["model_id"]))
        self.refused(self.verify(nonce="02"), codes=(1,))
        self.refused(self.verify("--model-id", "00" * 32), codes=(1,))
        unpinned = self.verify(nonce=None)
        self.accepted(unpinned)
        self.assertIn("model not pinned", unpinned.out)
        self.assertIn("freshness not checked", unpinned.out)
        self.assertIn("100.0 % of multiply-adds proved", unpinned.out)

    def test_any_changed_byte_is_noticed(self):
        for name, option in (("certificate.dscert", "certificate"), ("model.dsk", "key")):
            good = (self.dir / "R" / name).read_bytes()
            for i in range(40):
                at = (i * 7919 + (i if i < 20 else len(good) - 1 - i)) % len(good)
                bad = bytearray(good)
                bad[at] ^= 1 << i % 8
                changed = self.dir / "changed"
                changed.write_bytes(bad)
                with self.subTest(file=name, byte=at):
                    self.refused(self.verify(**{option: changed}))
            for size in (0, 7, len(good) // 2, len(good) - 1):
                (self.dir / "changed").write_bytes(good[:size])
                self.refused(self.verify(**{option: self.dir / "changed"}))
            (self.dir / "changed").write_bytes(good + b"\0")
            self.refused(self.verify(**{option: self.dir / "changed"}))

    def test_any_changed_pixel_is_noticed(self):
        rows = read_gray(ZERO)
        copy = self.dir / "copy.png"
        write_gray(copy, rows)
        self.accepted(self.verify(image=copy))
        for i in range(0, 784, 41):
            changed = [bytearray(row) for row in rows]
            pixel = changed[i // 28]
            pixel[i % 28] += 1 if pixel[i % 28] < 128 else -1
            write_gray(copy, changed)
            with self.subTest(pixel=i):
                self.refused(self.verify(image=copy), codes=(1,))

    def test_any_changed_output_is_noticed(self):
        path = self.dir / "output.json"
        good = json.loads((self.dir / "R/output.json").read_text())
        path.write_text(json.dumps(good))
        self.accepted(self.verify(output=path))
        for i in range(10):
            for field, change in (("integers", 1), ("values", 0.5)):
                bad = json.loads(json.dumps(good))
                bad["outputs"]["logits"][field][i] += change
                path.write_text(json.dumps(bad))
                self.refused(self.verify(output=path))
        for field, value in (("top1", 1), ("label", "7"), ("exponent", 3), ("shape", [10])):
            bad = json.loads(json.dumps(good))
            bad["outputs"]["logits"][field] = value
            path.write_text(json.dumps(bad))
            self.refused(self.verify(output=path))
        # Another answer whose document is consistent in itself.
        bad = json.loads(json.dumps(good))
        logits = bad["outputs"]["logits"]
        logits["integers"] = logits["integers"][::-1]
        logits["values"] = logits["values"][::-1]
        logits["top1"] = max(range(10), key=lambda k: logits["integers"][k])
        logits["label"] = str(logits["top1"])
        path.write_text(json.dumps(bad))
        self.refused(self.verify(output=path), codes=(1,))

    def chunks(self):
        return len({edge["name"] for edge in self.document["plan"]["edges"]})

    def forged(self, change):
        certificate = Certificate(self.certificate, self.chunks())
        self.assertEqual(certificate.encode(), self.certificate)
        change(certificate)
        path = self.dir / "forged.dscert"
        path.write_bytes(certificate.encode())
        return self.verify(certificate=path)

    def test_certificate_rules(self):
        def leave_out(c):
            del c.slices[1]

        def exchange(c):
            (a, p), (b, q) = c.slices[0], c.slices[1]
            c.slices[0], c.slices[1] = (a, q), (b, p)

        def reorder(c):
            c.slices[0], c.slices[1] = c.slices[1], c.slices[0]

        def twice(c):
            c.slices.insert(1, c.slices[0])

        self.full_run("--nonce", "01", out="S", image=DIGITS / "images/7.png")

        for change in (leave_out, exchange, reorder, twice):
            with self.subTest(change=change.__name__):
                self.refused(self.forged(change))
        self.assertIn("slice 1", self.forged(leave_out).out)
        # A boundary of another run of the same model: run it again under the same key.
        self.ok("run", "R/model.dsm", DIGITS / "images/7.png", "--nonce", "01", "--out", "T")
        self.ok("prove", "T")
        other = Certificate((self.dir / "T/certificate.dscert").read_bytes(), self.chunks())

        def foreign_boundary(c):
            self.assertNotEqual(c.table[1], other.table[1])
            c.table[1] = other.table[1]

        def foreign_proof(c):
            c.slices[2] = other.slices[2]

        for change in (foreign_boundary, foreign_proof):
            with self.subTest(change=change.__name__):
                self.refused(self.forged(change), codes=(1,))
        self.refused(self.verify(certificate=self.dir / "T/certificate.dscert"), codes=(1,))
        self.refused(self.verify(certificate=self.dir / "S/certificate.dscert"), codes=(1, 3))

    def test_json_has_the_same_facts(self):
        d = self.document
        self.assertEqual((d["verdict"], d["exit_code"], d["profile"]), ("accepted", 0, 100))
        for s in d["slices"]:
            self.assertEqual(s["mode"], "proof")
            for field in ("prove_s", "verify_s", "proof_bytes", "peak_rss_bytes"):
                self.assertGreater(s[field], 0, field)
        self.assertEqual(d["coverage"]["multiply_adds_proved"], d["coverage"]["multiply_adds"])
        self.assertEqual(d["outputs"]["logits"]["label"], "0")
        v = json.loads(self.verify("--json").out)
        self.assertEqual((v["verdict"], v["coverage"]), ("accepted", d["coverage"]))
        bad = json.loads(self.verify("--json", nonce="02").out)
        self.assertEqual((bad["verdict"], bad["exit_code"]), ("rejected", 1))
        self.assertIn("nonce", bad["reason"])

    def test_cached_ranges_change_no_verdict(self):
        self.accepted(self.verify())
        self.accepted(self.verify())
        self.accepted(self.verify("--no-cache"))
        key = bytearray((self.dir / "R/model.dsk").read_bytes())
        key[len(key) // 2] ^= 1
        (self.dir / "changed").write_bytes(key)
        self.refused(self.verify(key=self.dir / "changed"))

    def test_report(self):
        self.ok("report", "R")
        html = (self.dir / "R/report.html").read_text()
        self.assertIn("accepted", html.lower())
        (self.dir / "doc.json").write_text(json.dumps(self.document))
        self.ok("report", "doc.json", "--out", "x.html")
        self.assertEqual((self.dir / "x.html").read_text(), html)


class Verbs(EndToEnd):
    def stepwise(self, *compile_flags, run_flags=(), model=MLP):
        self.ok("slice", model, "--labels", LABELS)
        self.ok("compile", "mlp.plan", *compile_flags)
        return self.ok("run", "mlp.dsm", ZERO, "--nonce", "01", *run_flags)

    def verify_mlp(self, *more, **kwargs):
        return self.verify(*more, run="mlp.run", key=self.dir / "mlp.dsk", **kwargs)

    def test_every_verb_on_the_files_of_the_one_before(self):
        self.ok("inspect", MLP)
        self.stepwise()
        self.ok("prove", "mlp.run")
        self.accepted(self.verify_mlp())
        self.ok("report", "mlp.run")
        self.assertTrue((self.dir / "mlp.run/report.html").exists())
        whole = self.full_run("--nonce", "01", "-v", model=MLP)
        self.assertTrue(whole.out.startswith("accepted"), whole)
        self.assertIn("predicted", whole.err)
        self.ok("key", "show", "mlp.dsm")
        self.ok("key", "show", "mlp.dsk")
        self.ok("doctor")

    def test_128_bits_and_fewer_slices(self):
        self.ok("plan", MLP, "--count", "1")
        self.ok("compile", "mlp.plan", "--profile", "128")
        self.ok("run", "mlp.dsm", ZERO, "--nonce", "01")
        self.ok("prove", "mlp.run")
        self.accepted(self.verify_mlp())

    def test_trust_needs_a_policy(self):
        self.full_run("--nonce", "01", "--policy", "trust")
        self.refused(self.verify(), codes=(1,))
        trusted = self.verify("--policy", "trust")
        self.accepted(trusted)
        self.assertIn("0 of 5 slices", trusted.out)
        self.ok("prove", "R", "--slices", "0,2-3")
        self.accepted(self.verify("--slices", "0,2-3"))
        self.refused(self.verify(), codes=(1,))
        (self.dir / "p.toml").write_text('default = "trust"\n[[rule]]\noperator = "Conv"\nmode = "proof"\n')
        self.ok("prove", "R", "--policy", "p.toml")
        convs = self.verify("--policy", "p.toml", "--json")
        self.assertEqual([s["mode"] for s in json.loads(convs.out)["slices"]], ["proof", "proof", "trust", "trust", "trust"])
        self.ok("prove", "R", "--all")
        self.accepted(self.verify())

    def test_private_input(self):
        run = self.stepwise("--private-input")
        commitment = next(w for w in run.out.split() if w.startswith("commit:"))
        self.ok("prove", "mlp.run")
        self.accepted(self.verify_mlp(image=commitment))
        self.refused(self.verify_mlp(image="commit:" + "00" * 32), codes=(1,))
        self.refused(self.verify_mlp(), codes=(1,))

    def test_input_formats_agree(self):
        pixels = read_gray(ZERO)
        flat = [p / 255 for row in pixels for p in row]
        (self.dir / "flat.json").write_text(json.dumps(flat))
        (self.dir / "named.json").write_text(json.dumps({"image": [[[[p / 255 for p in row] for row in pixels]]]}))
        (self.dir / "x.pgm").write_bytes(b"P5 28 28 255\n" + b"".join(bytes(row) for row in pixels))
        self.stepwise()
        self.ok("prove", "mlp.run")
        for name in ("flat.json", "named.json", "x.pgm"):
            with self.subTest(name=name):
                self.accepted(self.verify_mlp(image=self.dir / name))
                self.accepted(self.verify_mlp(image=f"image={self.dir / name}"))
        piped = self.ok("run", "mlp.dsm", "-", "--out", "piped", input=json.dumps(flat))
        self.assertIn("(0)", piped.out)

    def test_public_weights(self):
        self.stepwise("--weights", "public")
        self.ok("compile", "mlp.plan", "--weights", "visible", code=2)
        self.env = {**self.env, "DSPERSE_STATE_DIR": str(self.dir / "elsewhere")}  # any installation can prove
        self.ok("prove", "mlp.run")
        accepted = self.verify_mlp()
        self.accepted(accepted)
        self.assertIn("weights: public", accepted.out)
        self.assertIn("weights: public", self.ok("key", "show", "mlp.dsk").out)
        shown = json.loads(self.ok("key", "show", "mlp.dsk", "--json").out)
        self.assertEqual(shown["weights"], "public")
        self.assertTrue(all(s["proofs_left"] is None for s in shown["slices"]))
        self.ok("key", "split", "mlp.dsm", "--out", "share", code=2)
        self.ok("key", "rotate", "mlp.dsm", code=2)
        self.ok("report", "mlp.run")
        self.assertIn("weights are public", (self.dir / "mlp.run/report.html").read_text())
        # A weight changed in the key is another model, whoever proves it.
        key = bytearray((self.dir / "mlp.dsk").read_bytes())
        for at in range(len(key) // 4, len(key), len(key) // 9):
            key[at] ^= 1
            (self.dir / "changed").write_bytes(key)
            self.refused(self.verify_mlp_with(self.dir / "changed"))
            key[at] ^= 1
        hidden = self.full_run("--nonce", "01", "--json", model=MLP)
        public = self.full_run("--nonce", "01", "--json", "--weights", "public", model=MLP, out="P")
        hidden, public = json.loads(hidden.out), json.loads(public.out)
        self.assertEqual((hidden["weights"], public["weights"]), ("hidden", "public"))
        self.assertEqual(hidden["outputs"], public["outputs"])
        self.assertLess(public["certificate"]["bytes"], hidden["certificate"]["bytes"])

    def verify_mlp_with(self, key):
        return self.verify(run="mlp.run", key=key)

    def test_remembered_links_change_no_verdict(self):
        self.stepwise()
        for i in range(4):
            self.ok("run", "mlp.dsm", ZERO, "--nonce", "01", "--out", f"L{i}")
            self.ok("prove", f"L{i}")
        verify = lambda *more, **kwargs: self.verify(*more, run="L3", key=self.dir / "mlp.dsk", **kwargs)
        for more in ((), (), ("--no-cache",)):
            self.accepted(verify(*more))
        certificate = bytearray((self.dir / "L3/certificate.dscert").read_bytes())
        for at in range(len(certificate) // 9, len(certificate), len(certificate) // 9):
            certificate[at] ^= 1
            (self.dir / "changed").write_bytes(certificate)
            self.refused(verify(certificate=self.dir / "changed"))
            certificate[at] ^= 1

    def test_bench_uses_up_no_openings(self):
        self.stepwise()
        before = json.loads(self.ok("key", "show", "mlp.dsm", "--json").out)
        results = json.loads(self.ok("bench", MLP, "--repeat", "1", "--json").out)["results"]
        self.assertEqual({r["threads"] for r in results}, {1, 2})
        for r in results:
            self.assertGreater(r["value"], 0)
            self.assertEqual(set(r) - {"predicted"}, {"name", "value", "unit", "threads", "note", "min", "max"})
        by_name = {r["name"]: r for r in results if r["threads"] == 1}
        for name in ("run, trees and proof", "proofs", "peak memory, prove"):
            self.assertGreater(by_name[name]["predicted"], 0)
        slices = sum(name.startswith("prove slice ") for name in by_name)
        self.assertEqual(by_name["proofs"]["value"], sum(by_name[f"proof, slice {i}"]["value"] for i in range(slices)))
        self.assertEqual(json.loads(self.ok("key", "show", "mlp.dsm", "--json").out)["slices"], before["slices"])

    def test_openings_are_shared_not_copied(self):
        self.stepwise()
        here, there = dict(self.env), {**self.env, "DSPERSE_STATE_DIR": str(self.dir / "elsewhere")}
        self.env = there
        refused = self.ok("prove", "mlp.run", code=5)
        self.assertIn("key split", refused.err)
        self.env = here
        self.ok("key", "split", "mlp.dsm", "--openings", "2", "--out", "share")
        self.assertEqual(stat.S_IMODE((self.dir / "share").stat().st_mode), 0o600)
        self.env = there
        self.ok("key", "import", "mlp.dsm", "share")
        self.ok("key", "import", "mlp.dsm", "share", code=3)
        self.ok("prove", "mlp.run")
        self.accepted(self.verify_mlp())
        self.ok("key", "rotate", "mlp.dsm")


class Crashes(EndToEnd):
    def setUp(self):
        super().setUp()
        self.ok("slice", LENET)
        self.ok("compile", "lenet5.plan")
        self.ok("run", "lenet5.dsm", ZERO, "--nonce", "01", "--out", "R")
        self.key = self.dir / "lenet5.dsk"

    def no_leftovers(self):
        self.assertEqual([p for p in self.dir.rglob(".dsperse-tmp-*")], [])

    def test_killed_proofs_go_on(self):
        for delay in (0.01, 0.03, 0.1):
            process = subprocess.Popen([DSPERSE, "prove", "R"], cwd=self.dir, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            process.kill()
            process.wait()
        self.ok("prove", "R")
        self.no_leftovers()
        self.accepted(self.verify(key=self.key))
        again = json.loads(self.ok("prove", "R", "--json").out)
        self.assertTrue(all(s["kept"] for s in again["slices"]))
        self.accepted(self.verify(key=self.key))

    def test_interrupt_says_how_to_go_on(self):
        process = subprocess.Popen([DSPERSE, "prove", "R", "--threads", "1"], cwd=self.dir, env=self.env, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        error = process.communicate()[1]
        # The proof may have been faster than the signal, or the signal faster than the handler.
        self.assertIn(process.returncode, (0, 130, -signal.SIGINT))
        if process.returncode == 130:
            self.assertIn("dsperse prove", error)
        self.ok("prove", "R")
        self.accepted(self.verify(key=self.key))

    def test_killed_run_starts_again(self):
        for delay in (0.002, 0.005, 0.01, 0.02):
            command = [DSPERSE, "run", "lenet5.dsm", str(ZERO), "--nonce", "01", "--out", "S"]
            process = subprocess.Popen(command, cwd=self.dir, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            process.kill()
            process.wait()
        if self.run_dsperse("prove", "S").code != 0:  # none of them came to its end
            self.ok("run", "lenet5.dsm", ZERO, "--nonce", "01", "--out", "S")
            self.ok("prove", "S")
        self.no_leftovers()
        self.accepted(self.verify(run="S", key=self.key))

    def test_two_processes_share_counters_and_not_a_run(self):
        self.ok("run", "lenet5.dsm", ZERO, "--nonce", "01", "--out", "S")
        left = lambda: [s["proofs_left"] for s in json.loads(self.ok("key", "show", "lenet5.dsm", "--json").out)["slices"]]
        before = left()
        start = lambda run: subprocess.Popen([DSPERSE, "prove", run], cwd=self.dir, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        both = [start("R"), start("S")]
        for process in both:
            self.assertEqual(process.wait(), 0, process.stderr.read())
            process.stderr.close()
        self.assertEqual(left(), [n - 2 for n in before])
        self.accepted(self.verify(run="R", key=self.key))
        self.accepted(self.verify(run="S", key=self.key))

    def test_secrets_are_for_the_owner_alone(self):
        self.ok("prove", "R", "-v")
        secret = ["lenet5.dsm", "R/boundaries", "state"]
        for name in secret:
            self.assertEqual(stat.S_IMODE((self.dir / name).stat().st_mode), 0o700, name)
            for path in (self.dir / name).rglob("*"):
                self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)
        self.assertEqual(stat.S_IMODE((self.dir / "lenet5.plan/program.bin").stat().st_mode), 0o600)


class Errors(EndToEnd):
    def fails(self, code, *args, says=""):
        result = self.ok(*args, code=code)
        self.assertIn(says, result.err)
        return result

    def test_usage(self):
        self.fails(2)
        self.fails(2, "no-such-verb")
        self.fails(2, "verify", "x")
        self.fails(2, "slice", MLP, "--input-shape", "image")
        self.fails(2, "slice", MLP, "--count", "1", "--cut-after", "x")
        self.fails(2, "full-run", MLP, ZERO, "--nonce", "xyz")
        self.fails(2, "full-run", MLP, ZERO, "--profile", "64")
        self.fails(2, "prove", "R", "--all", "--slices", "1")
        self.ok("--help")
        self.ok("--version")

    def test_bad_input(self):
        self.fails(3, "slice", "absent.onnx", says="absent.onnx")
        (self.dir / "garbage").write_bytes(b"\x00garbage")
        self.fails(3, "slice", "garbage", says="garbage")
        self.fails(3, "prove", "nowhere", says="dsperse run")
        self.fails(3, "compile", "nowhere")
        self.ok("slice", MLP)
        self.ok("compile", "mlp.plan")
        self.fails(3, "run", "mlp.dsm", "garbage")
        (self.dir / "short.json").write_text("[1, 2, 3]")
        self.fails(3, "run", "mlp.dsm", "short.json", says="1x1x28x28")
        (self.dir / "other.json").write_text(json.dumps({"picture": [0] * 784}))
        self.fails(3, "run", "mlp.dsm", "other.json", says="image")
        self.fails(3, "slice", MLP, "--labels", "short.json", says="labels")
        (self.dir / "mlp.dsm/manifest.json").write_text("{")
        self.fails(3, "run", "mlp.dsm", ZERO, says="manifest")
        self.assertFalse((self.dir / "mlp.run").exists())

    def test_unsupported_and_resources(self):
        write_png(self.dir / "alpha.png", 28, 28, 6, [bytes(4 * 28)] * 28)
        self.ok("slice", MLP)
        self.ok("compile", "mlp.plan")
        self.fails(4, "run", "mlp.dsm", "alpha.png", says="alpha")
        self.ok("run", "mlp.dsm", ZERO)
        refused = self.fails(5, "prove", "mlp.run", "--memory", "1M", says="--memory")
        self.assertIn("slice 0", refused.err)
        self.assertEqual(list((self.dir / "mlp.run/proofs").iterdir()), [])
        self.fails(5, "slice", MLP, "--memory", "1M")

    def test_a_finished_run_is_not_overwritten(self):
        self.full_run("--nonce", "01", model=MLP)
        before = (self.dir / "R/certificate.dscert").read_bytes()
        self.full_run("--nonce", "02", model=MLP, code=2)
        self.ok("run", "R/model.dsm", ZERO, "--out", "R", code=2)
        self.assertEqual((self.dir / "R/certificate.dscert").read_bytes(), before)
        self.accepted(self.verify())

    def test_errors_as_json(self):
        document = json.loads(self.ok("slice", "absent.onnx", "--json", code=3).out)
        self.assertEqual(document["exit_code"], 3)
        self.assertIn("absent.onnx", document["error"]["where"])


if __name__ == "__main__":
    DSPERSE = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
