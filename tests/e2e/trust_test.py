#!/usr/bin/env python3
"""What holds slices that are not proved, from the command line: challenges after commitment, disputes.

    tests/e2e/trust_test.py build/release/dsperse [TestClass.test_name ...]

Standard library alone.
"""

import json
import pathlib
import shutil
import sys
import unittest

import e2e_test
from certificate import Certificate
from e2e_test import DIGITS, LENET, MLP, ZERO, EndToEnd


class Model(EndToEnd):
    MODEL = LENET

    def setUp(self):
        super().setUp()
        name = self.MODEL.stem
        self.ok("slice", self.MODEL)
        self.ok("compile", f"{name}.plan")
        self.dsm, self.dsk = f"{name}.dsm", self.dir / f"{name}.dsk"

    def new_run(self, out, *more, image=ZERO):
        return self.ok("run", self.dsm, image, "--nonce", "01", "--out", out, *more)

    def tamper(self, run, chunk):
        """Another last value of a boundary that the run stored."""
        path = self.dir / run / f"boundaries/{chunk}.bin"
        data = bytearray(path.read_bytes())
        data[-4] ^= 1
        path.write_bytes(data)


class Challenges(Model):
    """The asker keeps asked.json, then chooses a nonce."""

    def setUp(self):
        super().setUp()
        self.run_json = json.loads(self.new_run("R", "--draw", "2", "--json").out)
        shutil.copy(self.dir / "R/published.json", self.dir / "asked.json")
        self.published = json.loads((self.dir / "asked.json").read_text())

    def check(self, *more, nonce="c0ffee", run="R", certificate=None, keep=("--published", "asked.json")):
        return self.verify("--challenge", nonce, *keep, *more, run=run, certificate=certificate, key=self.dsk)

    def refused_for(self, result, reason):
        self.assertEqual(result.code, 1, result)
        self.assertTrue(result.out.startswith(f"rejected {reason}"), result)

    def drawn(self, nonce, run="R"):
        return json.loads(self.ok("prove", run, "--challenge", nonce, "--json").out)["challenge"]["drawn"]

    def test_an_honest_prover_answers(self):
        self.assertEqual(self.run_json["published"]["bound"], self.published["bound"])
        self.assertEqual((self.published["slices"], self.published["draw"]), (5, 2))
        proved = json.loads(self.ok("prove", "R", "--challenge", "c0ffee", "--json").out)
        self.assertEqual(len(proved["challenge"]["drawn"]), 2)
        self.assertEqual([s["slice"] for s in proved["slices"]], proved["challenge"]["drawn"])
        accepted = self.check()
        self.accepted(accepted)
        self.assertIn("a chance of 60.0 % to escape", accepted.out)
        self.assertIn("2 of 5 slices", accepted.out)
        self.accepted(self.check(keep=("--bound", self.published["bound"], "--draw", "2")))
        document = json.loads(self.check("--json").out)
        self.assertEqual(document["challenge"]["drawn"], proved["challenge"]["drawn"])
        self.assertEqual(document["challenge"]["bound"], self.published["bound"])
        escape = document["challenge"]["escapes"][0]
        self.assertEqual(escape["wrong"], 1)
        self.assertAlmostEqual(escape["probability"], 0.6)
        self.refused(self.verify(key=self.dsk), codes=(1,))  # without the challenge: every slice

    def test_a_policy_adds_to_the_draw(self):
        first = self.drawn("c0ffee")
        other = next(i for i in range(5) if i not in first)
        more = ("--slices", str(other))
        self.ok("prove", "R", "--challenge", "c0ffee", *more)
        self.accepted(self.check(*more))
        self.refused_for(self.check(), "a proof that the policy does not ask for")
        self.ok("prove", "R", "--all", "--challenge", "c0ffee")
        self.accepted(self.check("--all"))

    def test_a_boundary_changed_after_publication(self):
        self.ok("prove", "R", "--challenge", "c0ffee")
        reason = "the published roots are not the certificate's"
        self.new_run("S", "--draw", "2")  # the same again, committed afresh
        self.ok("prove", "S", "--challenge", "c0ffee")
        self.refused_for(self.check(run="S"), reason)
        certificate = Certificate((self.dir / "R/certificate.dscert").read_bytes(), len(self.published["roots"]))
        boundary = bytearray(certificate.table[2])
        boundary[-1] ^= 1
        certificate.table[2] = bytes(boundary)
        (self.dir / "forged.dscert").write_bytes(certificate.encode())
        self.refused_for(self.check(certificate=self.dir / "forged.dscert"), reason)
        # The prover's own tool does not answer for roots that it did not publish either.
        shutil.copy(self.dir / "S/published.json", self.dir / "R/published.json")
        self.assertIn("not the published ones", self.ok("prove", "R", "--challenge", "c0ffee", code=3).err)

    def test_fewer_proofs_and_other_nonces(self):
        first = self.drawn("00")
        other = next(n for n in (f"{i:02x}" for i in range(1, 200)) if self.drawn(n) != first)
        self.drawn("00")
        self.accepted(self.check(nonce="00"))
        self.refused_for(self.check(nonce=other), "a drawn slice is not proved")
        certificate = Certificate((self.dir / "R/certificate.dscert").read_bytes(), len(self.published["roots"]))
        del certificate.slices[0]
        (self.dir / "fewer.dscert").write_bytes(certificate.encode())
        fewer = self.check(nonce="00", certificate=self.dir / "fewer.dscert")
        self.refused_for(fewer, "a drawn slice is not proved")
        self.assertIn(f"slice {first[0]}", fewer.out)
        self.refused_for(self.check(nonce="00", keep=("--bound", self.published["bound"], "--draw", "5")), "a drawn slice is not proved")

    def test_what_is_wrongly_asked(self):
        self.ok("run", self.dsm, ZERO, "--out", "T", "--draw", "6", code=2)
        self.ok("prove", "R", "--challenge", "no-hex", code=2)
        self.ok("prove", "R", "--challenge", "", code=2)
        self.ok("prove", "R", "--challenge", "c0ffee")
        for keep in ((), ("--bound", self.published["bound"]), ("--bound", "00", "--draw", "1"), ("--bound", self.published["bound"], "--draw", "6"),
                     ("--published", "asked.json", "--bound", self.published["bound"], "--draw", "2")):
            self.assertEqual(self.check(keep=keep).code, 2, keep)
        self.assertEqual(self.verify("--published", "asked.json", key=self.dsk).code, 2)
        self.assertEqual(self.check(nonce="").code, 2)
        text = (self.dir / "asked.json").read_text()
        for bad in (text.replace('"slices":5', '"slices":6'), text[:-1], text.replace(":", ": "), ""):
            (self.dir / "bad.json").write_text(bad)
            self.assertEqual(self.check(keep=("--published", "bad.json")).code, 3, bad)


class Disputes(Model):
    def dispute(self, *args, code=0, out="v.dsverdict"):
        return self.ok("dispute", *args, "--key", self.dsk, "--out", out, code=code)

    def check(self, *more, file="v.dsverdict"):
        return self.run_dsperse("verify", file, "--key", self.dsk, *more)

    def test_the_liar_is_found_and_anybody_can_check(self):
        self.new_run("A")
        self.new_run("B")
        self.tamper("B", 3)
        document = json.loads(self.dispute("A", "B", "--json").out)
        self.assertEqual((document["dispute"]["outcome"], document["dispute"]["slice"]), ("a", 2))
        self.assertTrue(document["proved_here"])
        accepted = self.check()
        self.accepted(accepted)
        self.assertIn("a is right", accepted.out)
        self.assertIn("rests on a proof", accepted.out)
        self.assertEqual(json.loads(self.check("--json").out)["dispute"], document["dispute"])
        self.accepted(self.check("--model-id", document["dispute"]["model_id"], "--no-cache"))
        self.assertEqual(self.check("--model-id", "00" * 32).code, 1)
        # In the other order, and with a proof that was there before.
        self.ok("prove", "A", "--slices", "2")
        document = json.loads(self.dispute("B", "A", "--json").out)
        self.assertEqual((document["dispute"]["outcome"], document["dispute"]["slice"]), ("b", 2))
        self.accepted(self.check())

    def test_a_changed_verdict_is_refused(self):
        self.new_run("A")
        self.new_run("B")
        self.tamper("B", 1)
        self.dispute("A", "B")
        good = (self.dir / "v.dsverdict").read_bytes()
        evidence = 4 + 3 * 32 + 4 + 32 + 4 + 32 + 2 * 4 * 32  # docs/formats/verdict.md
        for i in range(30):
            at = evidence + (i if i < 10 else i * 7919 % (len(good) - evidence))
            bad = bytearray(good)
            bad[at] ^= 1 << i % 8
            (self.dir / "bad.dsverdict").write_bytes(bad)
            with self.subTest(byte=at):
                self.refused(self.check(file="bad.dsverdict"))
        for size in (4, 100, len(good) - 1):
            (self.dir / "bad.dsverdict").write_bytes(good[:size])
            self.refused(self.check(file="bad.dsverdict"), codes=(3,))
        self.ok("slice", MLP)
        self.ok("compile", "mlp.plan")
        other = self.run_dsperse("verify", "v.dsverdict", "--key", "mlp.dsk")
        self.assertTrue(other.out.startswith("rejected verdict of another model"), other)

    def test_two_liars_and_none(self):
        for name in "ABC":
            self.new_run(name)
        self.assertIn("no dispute", self.dispute("A", "C").out)
        self.assertFalse((self.dir / "v.dsverdict").exists())
        self.tamper("A", 2)
        self.tamper("B", 2)
        b = bytearray((self.dir / "B/boundaries/2.bin").read_bytes())
        b[-8] ^= 1
        (self.dir / "B/boundaries/2.bin").write_bytes(b)
        self.assertIn("neither is right", self.dispute("A", "B").out)
        self.accepted(self.check())

    def test_certificates_without_the_proof_leave_it_open(self):
        self.new_run("A")
        self.ok("prove", "A", "--policy", "trust")
        chunks = len(json.loads((self.dir / "A/published.json").read_text())["roots"])
        certificate = Certificate((self.dir / "A/certificate.dscert").read_bytes(), chunks)
        boundary = bytearray(certificate.table[1])
        boundary[-1] ^= 1
        certificate.table[1] = bytes(boundary)
        (self.dir / "lie.dscert").write_bytes(certificate.encode())
        undecided = self.dispute("A/certificate.dscert", "lie.dscert", code=1)
        self.assertIn("nobody proved", undecided.out)
        accepted = self.check()
        self.accepted(accepted)
        self.assertIn("no proof is in it", accepted.out)
        self.assertFalse(json.loads(self.check("--json").out)["dispute"]["rests_on_proof"])
        self.dispute("A", "lie.dscert")  # the run folder proves
        self.assertIn("a is right", self.check().out)

    def test_what_cannot_be_compared(self):
        self.new_run("A")
        self.new_run("B", image=DIGITS / "images/7.png")
        self.assertIn("different inputs", self.dispute("A", "B", code=3).err)
        self.dispute("A", "A", code=2)
        self.dispute("A", "nowhere", code=3)
        self.ok("dispute", "A", "B", code=2)
        self.ok("prove", "A", "--policy", "trust")
        self.ok("prove", "B", "--policy", "trust")
        self.assertIn("two runs", self.dispute("A/certificate.dscert", "B/certificate.dscert", code=3).err)


class Workers(Model):
    """A run over workers, one of which lies (a test switch)."""

    def lying_run(self):
        """The run's folder and its verdict files. The liar may not have been given a slice: then once more."""
        self.env = {**self.env, "DSPERSE_TEST_LIARS": "1"}
        for i in range(5):
            self.new_run(f"W{i}", "--workers", "3", "--policy", "replicate(2)", "--draw", "1")
            verdicts = sorted((self.dir / f"W{i}").glob("verdicts/*.dsverdict"))
            if verdicts:
                return f"W{i}", verdicts
        self.fail("no worker lied")

    def test_a_lying_worker_is_proved_wrong_and_its_run_can_be_challenged(self):
        run, verdicts = self.lying_run()
        disputed = set()
        for path in verdicts:
            document = json.loads(self.ok("verify", path, "--key", self.dsk, "--json").out)
            self.assertIn(document["dispute"]["outcome"], ("a", "b"))
            self.assertTrue(document["dispute"]["rests_on_proof"])
            self.assertTrue(all(c["receipt"] for c in document["dispute"]["claims"]))
            disputed.add(document["dispute"]["slice"])
        bad = bytearray(verdicts[0].read_bytes())
        bad[-1000] ^= 1
        (self.dir / "bad.dsverdict").write_bytes(bad)
        self.refused(self.run_dsperse("verify", "bad.dsverdict", "--key", self.dsk), codes=(1,))
        # A challenge: the drawn slice is proved, and what the dispute proved stays, since nothing else answers for it.
        for nonce in (f"{i:02x}" for i in range(1, 50)):
            proved = json.loads(self.ok("prove", run, "--challenge", nonce, "--json").out)
            drawn = set(proved["challenge"]["drawn"])
            if not drawn <= disputed:
                break
        shown = {s["slice"] for s in proved["slices"]}
        self.assertLessEqual(drawn, shown)
        accepted = self.verify("--challenge", nonce, "--published", self.dir / run / "published.json", run=run, key=self.dsk)
        self.accepted(accepted)
        self.assertIn("replicated", accepted.out)
        self.accepted(self.verify("--challenge", nonce, "--published", self.dir / run / "published.json", "--policy", "replicate(2)",
                                  run=run, key=self.dsk))


if __name__ == "__main__":
    e2e_test.DSPERSE = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
