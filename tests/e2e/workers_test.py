#!/usr/bin/env python3
"""Runs over worker processes, on the digit classifier: replicas, a liar, audits with a late number, a serving coordinator, kills.

    tests/e2e/workers_test.py build/release/dsperse [TestClass.test_name ...]

Standard library alone. One state folder and one compiled model for all tests; each test has its own folder.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples/digits"
LENET, ZERO, ONE = DIGITS / "lenet5.onnx", DIGITS / "images/0.png", DIGITS / "images/1.png"
REPLICATE = 'default = "replicate(2)"\n'
DSPERSE = None
PATIENCE = 100  # seconds that anything may take


def text_of(path):
    return path.read_text(errors="replace") if path.exists() else ""


class Workers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="dsperse-workers-")
        cls.addClassCleanup(folder.cleanup)
        cls.base = pathlib.Path(folder.name)
        cls.env = {**os.environ, "DSPERSE_STATE_DIR": str(cls.base / "state"), "NO_COLOR": "1"}
        cls.env.pop("DSPERSE_TEST_LIARS", None)
        (cls.base / "replicate.toml").write_text(REPLICATE)
        cls.policy = cls.base / "replicate.toml"
        for args in (("slice", LENET, "--policy", cls.policy, "--out", "D.plan"), ("compile", "D.plan", "--out", "D.dsm"),
                     ("run", "D.dsm", ZERO, "--out", "plain0"), ("run", "D.dsm", ONE, "--out", "plain1")):
            done = subprocess.run([DSPERSE, *map(str, args)], cwd=cls.base, env=cls.env, capture_output=True, text=True, timeout=PATIENCE)
            assert done.returncode == 0, done
        cls.dsm, cls.dsk = cls.base / "D.dsm", cls.base / "D.dsk"
        cls.slices = len(json.loads((cls.dsm / "manifest.json").read_text())["slices"])
        cls.truth = {image: json.loads((cls.base / plain / "output.json").read_text())["outputs"] for image, plain in ((ZERO, "plain0"), (ONE, "plain1"))}

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="case-", dir=self.base)
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.children = []
        self.addCleanup(self.end_children)

    def end_children(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()

    def start(self, *args, log="log"):
        """In the background; stdout and stderr go to the log."""
        with open(self.dir / log, "ab") as out:
            child = subprocess.Popen([DSPERSE, *map(str, args)], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.children.append(child)
        return child

    def call(self, *args, code=0, **more):
        done = subprocess.run([DSPERSE, *map(str, args)], cwd=self.dir, env={**self.env, **more}, capture_output=True, text=True, timeout=PATIENCE)
        if code is not None:
            self.assertEqual(done.returncode, code, f"dsperse {' '.join(map(str, args))}\n{done.stdout}\n{done.stderr}")
        return done

    def finish(self, child, log="log"):
        self.assertEqual(child.wait(PATIENCE), 0, text_of(self.dir / log))

    def until(self, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.005)

    def verify(self, run, *more, code=0, image=ZERO, key=None, nonce="01"):
        r = self.dir / run
        done = self.call("verify", r / "certificate.dscert", "--key", key or self.dsk, "--input", image, "--output", r / "output.json",
                         "--nonce", nonce, *more, code=code)
        self.assertTrue(done.stdout.startswith("accepted" if code == 0 else "rejected ") or "--json" in more, done)
        return done

    def right(self, run, image=ZERO):
        self.assertEqual(json.loads((self.dir / run / "output.json").read_text())["outputs"], self.truth[image])

    def entries(self, network, kind):
        """Payloads of the log's entries of one kind, as `ledger show` prints them."""
        shown = json.loads(self.call("ledger", "show", network, "--json", "--newest", 100000).stdout)
        at = [e["index"] for e in shown["entries"] if e["kind"] == kind]
        return [json.loads(self.call("ledger", "show", network, "--entry", i).stdout) for i in at]


class Runs(Workers):
    def test_full_run_with_replicas(self):
        done = self.call("full-run", LENET, ZERO, "--workers", 3, "--policy", self.policy, "--nonce", "01", "--out", "R")
        lines = done.stdout.splitlines()
        self.assertTrue(lines[0].startswith(f"accepted: 0 slices proved, {self.slices} replicated; weakest: slice "), lines[0])
        self.assertIn("replicate(2): ", done.stdout)
        self.assertIn("wrong only if", done.stdout)
        self.right("R")
        document = json.loads((self.dir / "R/full-run.json").read_text())
        self.assertEqual(document["verdict"], "accepted")
        self.assertIn(document["holding"]["weakest"], range(self.slices))
        self.assertIn("weakest: slice ", document["holding"]["text"])
        self.assertEqual([s["mode"] for s in document["slices"]], ["replicate(2)"] * self.slices)
        self.assertTrue(all(len(set(s["workers"])) == 2 for s in document["slices"]))
        keeper = document["network"]["coordinator"]

        key = self.dir / "R/model.dsk"
        pinned = self.verify("R", "--policy", self.policy, "--coordinator", keeper, key=key)
        self.assertEqual(pinned.stdout.splitlines()[0], lines[0])
        self.assertRegex(self.verify("R", key=key, code=1).stdout.splitlines()[0], r"slice 0")
        self.assertIn("another keeper", self.verify("R", "--policy", self.policy, "--coordinator", "00" * 32, key=key, code=1).stdout)

        # Every part of the record counts.
        certificate, record = (self.dir / "R/certificate.dscert").read_bytes(), (self.dir / "R/record.bin").read_bytes()
        self.assertTrue(certificate.endswith(record))
        (self.dir / "T").mkdir()
        (self.dir / "T/output.json").write_bytes((self.dir / "R/output.json").read_bytes())
        for i in range(24):
            at = len(certificate) - len(record) + (len(record) - 1) * i // 23
            bad = bytearray(certificate)
            bad[at] ^= 1 << i % 8
            (self.dir / "T/certificate.dscert").write_bytes(bad)
            with self.subTest(byte=at):
                done = self.call("verify", "T/certificate.dscert", "--key", key, "--input", ZERO, "--output", "T/output.json", "--nonce", "01",
                                 "--policy", self.policy, "--coordinator", keeper, code=None)
                self.assertIn(done.returncode, (1, 3), done)
                said = done.stdout.splitlines()[0] if done.returncode == 1 else done.stderr
                self.assertGreater(len(said), len("rejected "), done)

    def test_a_liar_is_proved_wrong(self):
        for nonce in ("01", "02", "03", "04"):  # by chance, a run may never ask the liar
            out = "R" + nonce
            done = self.call("full-run", LENET, ZERO, "--workers", 3, "--policy", self.policy, "--nonce", nonce, "--out", out, "--json",
                             DSPERSE_TEST_LIARS="1")
            document = json.loads(done.stdout)
            if document["network"]["disputes"] > 0:
                break
        self.assertIn("WRONG results on purpose", text_of(self.dir / out / "network/workers/2.log"))
        self.right(out)
        self.assertEqual(document["verdict"], "accepted")
        key = self.dir / out / "model.dsk"
        verdicts = document["network"]["verdicts"]
        self.assertEqual([pathlib.Path(v) for v in verdicts], [pathlib.Path(out) / f"verdicts/{i}.dsverdict" for i in range(len(verdicts))])
        self.assertGreater(len(verdicts), 0)
        accepted = json.loads(self.verify(out, "--policy", self.policy, "--coordinator", document["network"]["coordinator"], "--json", nonce=nonce, key=key).stdout)
        self.assertGreater(sum(s["mode"].startswith("proof") for s in accepted["slices"]), 0, "a disputed slice ends as a proved one")
        # Anybody can check who was wrong, with the key alone.
        for verdict in verdicts:
            self.assertTrue(self.call("verify", verdict, "--key", key).stdout.startswith("accepted"))
            bad = bytearray((self.dir / verdict).read_bytes())
            bad[len(bad) // 2] ^= 1
            (self.dir / "bad.dsverdict").write_bytes(bad)
            self.assertIn(self.call("verify", "bad.dsverdict", "--key", key, code=None).returncode, (1, 3))
        strikes = [s for s in self.entries(f"{out}/network", "strike") if s["kind"] == "correctness"]
        self.assertEqual(len(strikes), 1)
        self.assertIn("worker " + strikes[0]["worker"][:16] + " of operator local-2", text_of(self.dir / out / "network/workers/2.log"))

    def test_audits(self):
        self.call("run", self.dsm, ZERO, "--workers", 3, "--policy", "audit(1)", "--nonce", "01", "--out", "A")
        self.right("A")
        document = json.loads(self.verify("A", "--policy", "audit(1)", "--json").stdout)
        self.assertEqual(document["verdict"], "accepted")
        self.assertTrue(all(s["drawn"] and not s["pending"] for s in document["slices"]), document["slices"])

    def test_a_late_number(self):
        late, other = "5a" * 32, "5b" * 32
        command = ("run", self.dsm, ZERO, "--workers", 3, "--policy", "audit(0.5)", "--nonce", "01", "--out", "L")
        # A number that comes before the seal counts for nothing.
        done = self.call(*command, "--late-nonce", other)
        self.assertIn("sealed: ", done.stdout)
        seal = self.dir / "L/shown-seal.json"
        shown = seal.read_bytes()
        self.assertFalse((self.dir / "L/certificate.dscert").exists())
        self.assertIn("sealed: ", self.call(*command, "--late", "user").stdout)
        self.assertEqual(seal.read_bytes(), shown)
        (self.dir / "kept.json").write_bytes(shown)
        self.call(*command, "--late-nonce", late)
        self.right("L")
        mine = ("--policy", "audit(0.5)", "--seal", self.dir / "kept.json")
        document = json.loads(self.verify("L", *mine, "--late-nonce", late, "--json").stdout)
        self.assertTrue(document["holding"]["late_part_compared"])
        self.assertIn("late", self.verify("L", *mine, "--late-nonce", other, code=1).stdout)
        # Another run's seal is not this one's.
        self.call("run", self.dsm, ONE, "--workers", 3, "--policy", "audit(0.5)", "--nonce", "01", "--out", "M", "--late", "user")
        self.verify("L", "--policy", "audit(0.5)", "--seal", self.dir / "M/shown-seal.json", "--late-nonce", late, code=1)

    def test_killed_and_given_again(self):
        command = ("run", self.dsm, ZERO, "--workers", 3, "--policy", self.policy, "--nonce", "01", "--out", "R")
        for jobs in (1, 5):  # killed once so many jobs are done
            child = self.start(*command)
            logs = [self.dir / f"R/network/workers/{i}.log" for i in range(3)]
            self.until(lambda: child.poll() is not None or sum(text_of(p).count("run and committed") for p in logs) >= jobs)
            child.kill()
            self.assertEqual(child.wait(), -signal.SIGKILL)
            self.assertFalse((self.dir / "R/certificate.dscert").exists())
        self.call(*command)
        self.right("R")
        self.verify("R", "--policy", self.policy)
        self.assertFalse([s for s in self.entries("R/network", "strike") if s["kind"] != "liveness"])
        self.assertIn("holds another finished run", self.call(*command[:-3], "02", *command[-2:], code=2).stderr)

    def test_more_proofs_later(self):
        self.call("run", self.dsm, ZERO, "--workers", 3, "--policy", self.policy, "--nonce", "01", "--out", "R")
        (self.dir / "more.toml").write_text(REPLICATE + '[[rule]]\nslices = "1-2"\nmode = "proof"\n')
        self.verify("R", "--policy", self.dir / "more.toml", code=1)
        self.call("prove", "R", "--policy", "more.toml")
        document = json.loads(self.verify("R", "--policy", self.dir / "more.toml", "--json").stdout)
        modes = [s["mode"] for s in document["slices"]]
        self.assertTrue(all(m.startswith("proof") for m in modes[1:3]), modes)
        self.assertEqual(modes[:1] + modes[3:], ["replicate(2)"] * (self.slices - 2))
        record = (self.dir / "R/record.bin").read_bytes()
        self.assertTrue((self.dir / "R/certificate.dscert").read_bytes().endswith(record))


class Served(Workers):
    def setUp(self):
        super().setUp()
        self.serve()
        self.until(lambda: (self.dir / "N/engine/engine.db").exists())
        self.hands = [self.start("worker", "--engine", "N/engine", "--state", f"w{i}", "--operator", f"op{i}", log=f"w{i}.log") for i in range(2)]

    def serve(self):
        self.server = self.start("serve", self.dsm, "--network", "N", "--commit", 5, log="serve.log")

    def ask(self, name, image, *more, nonce="01"):
        return self.start("run", self.dsm, image, "--network", "N", "--policy", self.policy, "--nonce", nonce, "--out", name, *more, log=name + ".log")

    def check(self, name, image, nonce="01"):
        self.right(name, image)
        self.verify(name, "--policy", self.policy, image=image, nonce=nonce)

    def test_two_at_once_and_a_killed_coordinator(self):
        asked = [self.ask("A", ZERO), self.ask("B", ONE)]
        self.until(lambda: text_of(self.dir / "serve.log").count("taken on") == 2)
        done = lambda: sum(text_of(self.dir / f"w{i}.log").count("run and committed") for i in range(2))
        self.until(lambda: done() >= 3)
        self.server.kill()
        self.server.wait()
        self.assertFalse((self.dir / "A/certificate.dscert").exists() and (self.dir / "B/certificate.dscert").exists())
        self.serve()
        for child, name, image in zip(asked, "AB", (ZERO, ONE)):
            self.finish(child, name + ".log")
            self.check(name, image)
        self.assertFalse([s for s in self.entries("N", "strike") if s["kind"] != "liveness"])
        # The same question again is answered at once, and a finished run is found again by whoever was stopped before telling so.
        self.finish(self.ask("A", ZERO), "A.log")
        answers = sorted((self.dir / "N/requests").glob("*.answer.json"))
        self.assertEqual(len(answers), 2)
        self.server.kill()
        self.server.wait()
        for answer in answers:
            answer.unlink()
        again = [self.ask("A", ZERO), self.ask("B", ONE)]
        self.serve()
        for child, name, image in zip(again, "AB", (ZERO, ONE)):
            self.finish(child, name + ".log")
            self.check(name, image)
        self.server.terminate()
        self.finish(self.server, "serve.log")

    def test_a_late_number_over_a_network(self):
        self.policy = "audit(1, by=proof)"
        self.finish(self.ask("L", ZERO, "--late", "user"), "L.log")
        self.finish(self.ask("L", ZERO, "--late", "user"), "L.log")
        self.assertEqual(text_of(self.dir / "L.log").count("sealed: "), 2)
        self.finish(self.ask("L", ZERO, "--late-nonce", "5a" * 32), "L.log")
        self.right("L")
        self.verify("L", "--policy", self.policy, "--seal", self.dir / "L/shown-seal.json", "--late-nonce", "5a" * 32)

    def test_lost_blobs_of_the_model_are_put_again(self):
        self.finish(self.ask("A", ZERO), "A.log")
        for child in self.hands:  # who forgets what they have read
            child.kill()
            child.wait()
        blobs = [p for p in (self.dir / "N/engine/blobs").glob("*/*") if p.stat().st_size > 4096]
        self.assertGreater(len(blobs), 0)
        for i, blob in enumerate(blobs):
            blob.unlink() if i % 2 else blob.write_bytes(b"garbage")
        for i in range(2):
            self.start("worker", "--engine", "N/engine", "--state", f"w{i}", "--operator", f"op{i}", log=f"w{i}.log")
        self.finish(self.ask("B", ZERO, nonce="02"), "B.log")
        self.assertIn("are put again", text_of(self.dir / "serve.log"))
        self.check("B", ZERO, nonce="02")
        self.assertFalse([s for s in self.entries("N", "strike") if s["kind"] != "liveness"])

    def test_messages_that_cannot_be_written_stop_nobody(self):
        self.policy = "trust"
        for child in [*self.hands, self.server]:
            child.kill()
            child.wait()
        with open("/dev/full", "w") as full:  # as a log on a full disk is
            command = ("serve", self.dsm, "--network", "N"), ("worker", "--engine", "N/engine", "--state", "w2")
            for words in command:
                self.children.append(subprocess.Popen([DSPERSE, *map(str, words)], cwd=self.dir, env=self.env, stderr=full, stdout=subprocess.DEVNULL))
            done = subprocess.run([DSPERSE, "run", self.dsm, ZERO, "--network", "N", "--policy", "trust", "--nonce", "01", "--out", "A"], cwd=self.dir,
                                  env=self.env, stderr=full, stdout=subprocess.PIPE, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0)
        self.check("A", ZERO)

    def test_bad_requests_are_refused_and_others_go_on(self):
        (self.dir / "N/requests").mkdir(exist_ok=True)
        (self.dir / "N/requests/zz.request.json").write_text("{}")
        self.finish(self.ask("A", ZERO), "A.log")
        self.check("A", ZERO)
        refused = json.loads((self.dir / "N/requests/zz.answer.json").read_text())
        self.assertIn("not a request", refused["failure"])
        self.assertEqual(self.call("serve", self.dsm, "--network", "N", code=5).stdout, "")


if __name__ == "__main__":
    DSPERSE = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
