#!/usr/bin/env python3
"""Certificates with a record of receipts on the command line: what holds each slice, and what a user can pin.

  record_test.py DSPERSE ADD_RECORD. Standard library only.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DIGITS = ROOT / "examples/digits"
DSPERSE = ADD_RECORD = None


class Record(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.folder.name)
        cls.env = dict(os.environ, DSPERSE_STATE_DIR=str(cls.dir / "state"))
        (cls.dir / "first.toml").write_text('default = "trust"\n[[rule]]\nslices = "0"\nmode = "proof"\n')
        (cls.dir / "both.toml").write_text('default = "replicate(2)+audit(1)"\n[[rule]]\nslices = "0"\nmode = "proof"\n')
        cls.call(DSPERSE, "full-run", DIGITS / "mlp.onnx", DIGITS / "images/7.png", "--policy", "first.toml", "--out", "R")
        cls.keeper, cls.nonce = cls.call(ADD_RECORD, "R/certificate.dscert", "R/model.dsk", "replicate(2)+audit(1)", "held").stdout.split()
        cls.call(ADD_RECORD, "R/certificate.dscert", "R/model.dsk", "replicate(2)+audit(1)", "pending", "pending")
        cls.call(ADD_RECORD, "R/certificate.dscert", "R/model.dsk", "replicate(3)", "three")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def call(cls, *command, code=0):
        done = subprocess.run(list(map(str, command)), cwd=cls.dir, env=cls.env, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def verify(self, certificate, *more, code=0):
        return self.call(DSPERSE, "verify", certificate, "--key", "R/model.dsk", "--input", DIGITS / "images/7.png", "--output",
                         "R/output.json", *more, code=code).stdout

    def test_says_what_holds_each_slice(self):
        out = self.verify("held", "--policy", "both.toml")
        self.assertTrue(out.startswith("accepted: 1 slice proved, 1 replicated; weakest: slice 1, replicate(2)+audit(1) (drawn, passed)"), out)
        self.assertIn("slice 1: replicate(2)+audit(1) (drawn, passed): wrong only if all 2 replicas collude", out)
        self.assertIn("the coordinator's key is taken as given", out)
        d = json.loads(self.verify("held", "--policy", "both.toml", "--json"))
        self.assertEqual([s["mode"] for s in d["slices"]], ["proof", "replicate(2)+audit(1)"])
        self.assertEqual(d["slices"][1]["drawn"], True)
        self.assertEqual(len(d["slices"][1]["workers"]), 2)
        self.assertEqual((d["holding"]["weakest"], d["holding"]["coordinator"]), (1, self.keeper))
        self.assertEqual((d["holding"]["coordinator_pinned"], d["holding"]["late_part_compared"]), (False, False))
        (self.dir / "verdict.json").write_text(json.dumps(d))
        self.call(DSPERSE, "report", "verdict.json", "--out", "report.html")
        self.assertIn("2 workers of different operators", (self.dir / "report.html").read_text())

    def test_compares_with_the_policy(self):
        self.verify("held", "--policy", "first.toml")
        self.verify("three", "--policy", "replicate(2)")
        self.assertIn("rejected proof missing: the policy asks for it (slice 1)", self.verify("held", code=1))
        out = self.verify("R/certificate.dscert", "--policy", "both.toml", code=1)
        self.assertIn("held by less than the policy wants (slice 1: wanted replicate(2)+audit(1), found trust)", out)
        out = self.verify("held", "--policy", "replicate(3)", code=1)
        self.assertIn("found replicate(2)+audit(1)", out)

    def test_what_the_user_pins(self):
        pins = ("--coordinator", self.keeper, "--late-nonce", self.nonce, "--seal", "held.seal")
        out = self.verify("held", "--policy", "both.toml", *pins)
        self.assertIn("the draw is unpredictable to coordinator and workers: the user's nonce came after the last receipt", out)
        self.assertNotIn("taken as given: whoever", out)
        d = json.loads(self.verify("held", "--policy", "both.toml", "--json", *pins))
        self.assertEqual((d["holding"]["coordinator_pinned"], d["holding"]["late_part_compared"]), (True, True))
        other = "ab" * 32
        for flags, says in ((("--coordinator", other), "record: another keeper"),
                            (("--late-nonce", other), "record: another late part than the user's"),
                            (("--seal", "three.seal"), "record: another seal than the user was shown")):
            self.assertIn(says, self.verify("held", "--policy", "both.toml", *flags, code=1))
        self.verify("held", "--policy", "both.toml", "--late-nonce", "01", code=2)
        self.verify("held", "--policy", "both.toml", "--seal", "first.toml", code=3)

    def test_pending_audits(self):
        self.assertIn("record: audits are not drawn yet", self.verify("pending", "--policy", "both.toml", code=1))
        out = self.verify("pending", "--policy", "both.toml", "--allow-pending")
        self.assertIn("replicate(2)+audit(1) (audit not drawn yet)", out)
        self.assertIn("audits are not drawn yet: until then they hold nothing", out)

    def test_changed_bytes(self):
        data = (self.dir / "held").read_bytes()
        plain = (self.dir / "R/certificate.dscert").stat().st_size
        for at in range(plain + 4, len(data), 997):
            (self.dir / "changed").write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
            done = subprocess.run([DSPERSE, "verify", "changed", "--key", "R/model.dsk", "--input", DIGITS / "images/7.png", "--output",
                                   "R/output.json", "--policy", "both.toml"], cwd=self.dir, env=self.env, capture_output=True, text=True)
            self.assertIn(done.returncode, (1, 3), f"byte {at}: {done.stdout}")

    def test_ledger_check_reads_it_alone(self):
        out = self.call(DSPERSE, "ledger", "check", "held", "--key", "R/model.dsk", "--coordinator", self.keeper).stdout
        self.assertTrue(out.startswith("valid: the record fits its certificate"), out)
        self.call(DSPERSE, "ledger", "check", "held", "--key", "R/model.dsk", "--coordinator", "ab" * 32, code=1)
        self.assertIn("give --key", self.call(DSPERSE, "ledger", "check", "held", code=2).stderr)


if __name__ == "__main__":
    DSPERSE, ADD_RECORD = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
