#!/usr/bin/env python3
"""Plans of treatments: what `dsperse slice` prints is recomputed by dice; the cookbook's policies plan; verifiers get an explicit policy.

    tests/e2e/plan_test.py build/release/dsperse [TestClass.test_name ...]

Standard library alone. The dice play the model of docs/trust/economics.md as it is told there, not the program's formulas; they are
seeded, and a figure must lie within four standard deviations of their mean.
"""

import itertools
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS, POLICIES = ROOT / "examples/digits", ROOT / "examples/policies"
LENET, LABELS, ZERO = DIGITS / "lenet5.onnx", DIGITS / "labels.txt", DIGITS / "images/0.png"
DRAWS = 1_000_000
DSPERSE = None

PLANNED = """
default = "plan"
budget = 0.05
allowed = ["proof", "replicate(2)", "audit(0.05)", "replicate(2)+audit(0.1)", "replicate(2, distinct=region)", "trust"]
[stakes]
gain = 10
bond = 2000
[assumptions]
colluding_operators = 0.2
colluding_regions = 0.3
irrational = 0.3
detection = 0.9
[[rule]]
slices = "1"
mode = "replicate(2, distinct=region)+audit(0.6, by=proof)"
[[rule]]
slices = "4"
mode = "replicate(2)"
"""

GIVEN = """
default = "audit(0.3)"
[stakes]
gain = 400
bond = 500
[assumptions]
colluding_operators = 0.2
colluding_regions = 0.3
irrational = 0.25
detection = 0.9
[[rule]]
slices = "1"
mode = "replicate(3, distinct=region)"
[[rule]]
slices = "2"
mode = "replicate(2)+audit(0.9)"
[[rule]]
slices = "3"
mode = "trust"
[[rule]]
slices = "4"
mode = "proof"
"""


class Plans(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dsperse-plan-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.env = {**os.environ, "DSPERSE_STATE_DIR": str(self.dir / "state"), "NO_COLOR": "1"}

    def dsperse(self, *args, code=0):
        done = subprocess.run([DSPERSE, *map(str, args)], cwd=self.dir, env=self.env, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, f"{args}\n{done.stdout}{done.stderr}")
        return done

    def plan(self, policy, *more, out="p", native=0.0003):
        """plan.json of lenet5 under a policy's text or file, with one native run taking `native` seconds."""
        if "\n" in str(policy):
            (self.dir / "policy.toml").write_text(policy)
            policy = "policy.toml"
        self.text = self.dsperse("slice", LENET, "--policy", policy, "--native-seconds", native, "--out", out, *more).stdout
        return json.loads((self.dir / out / "plan.json").read_text())


def parsed(treatment):
    """(proof, replicas, kind, audit rate, audited by a proof) of a canonical text."""
    replicate = re.search(r"replicate\((\d+)(?:, distinct=(\w+))?\)", treatment)
    audit = re.search(r"audit\(([^,)]+)(, by=proof)?\)", treatment)
    return (treatment == "proof", int(replicate[1]) if replicate else 1, (replicate[2] if replicate else None) or "operator",
            float(audit[1]) if audit else None, bool(audit and audit[2]))


class Mean:
    def __init__(self):
        self.n = self.sum = self.squares = 0

    def add(self, x):
        self.n += 1
        self.sum += x
        self.squares += x * x

    def value(self):
        return self.sum / self.n

    def sigma(self):
        return (max(0.0, self.squares / self.n - self.value() ** 2) / self.n) ** 0.5


class Dice(Plans):
    def close(self, mean, printed, what):
        self.assertLessEqual(abs(mean.value() - printed), 4 * mean.sigma() + 1e-9 * abs(printed) + 1e-12,
                             f"{what}: printed {printed}, played {mean.value()} +- {mean.sigma()}")

    def player(self, s, assumptions, dice):
        """A function that plays one result of this slice: (wrong, cost)."""
        proof, k, kind, rate, by_proof = parsed(s["treatment"])
        if proof:
            return lambda: (False, s["proof_s"])
        lying = assumptions[f"colluding_{kind}s"]
        irrational = assumptions["irrational"] if rate is not None and s["e1"]["holds"] else None
        native, proof_s, detects = s["native_s"], s["proof_s"], 1 if by_proof else assumptions["detection"]

        def play():
            liars = 0
            for _ in range(k):
                if dice() < lying and (irrational is None or dice() < irrational):
                    liars += 1
            wrong, cost = liars == k, k * native
            if 0 < liars < k:
                cost += proof_s  # unlike results are settled by a proof
            elif rate is not None and dice() < rate:
                cost += proof_s if by_proof else native
                if wrong and dice() < detects:
                    wrong = False
            return wrong, cost
        return play

    def play(self, plan):
        trust = plan["trust"]
        slices, dice = trust["slices"], random.Random(20).random
        self.assertEqual([s["treatment"] for s in slices], [s["mode"] for s in plan["slices"]])
        players = [self.player(s, trust["assumptions"], dice) for s in slices]
        wrong, cost = Mean(), Mean()
        each = [(Mean(), Mean()) for _ in slices]
        for _ in range(DRAWS):
            any_wrong, total = False, 0.0
            for player, (w, c) in zip(players, each):
                bad, paid = player()
                any_wrong |= bad
                total += paid
                w.add(bad)
                c.add(paid)
            wrong.add(any_wrong)
            cost.add(total)
        self.close(wrong, trust["residual"], "residual")
        self.close(cost, trust["cost_s"], "cost")
        for s, (w, c) in zip(slices, each):
            self.close(w, s["failure"], f"failure of slice {s['slice']}")
            self.close(c, s["cost_s"], f"cost of slice {s['slice']}")
        # A chain: its one output depends on every slice.
        (output,) = trust["outputs"]
        self.assertAlmostEqual(output["residual"], trust["residual"], 12)
        self.assertEqual(output["weakest_path"], list(range(len(slices))))
        worst = max(range(len(slices)), key=lambda i: slices[i]["failure"])
        self.assertEqual((trust["weakest"], output["weakest"]), (worst, worst))

    def surplus(self, e1, p, seed):
        """What a cheat has over an honest worker after one job, on average."""
        dice, mean = random.Random(seed).random, Mean()

        def purse(cheats):
            right = not cheats or dice() < e1["lucky_guess"]
            caught = dice() < p and dice() < (e1["false_alarm"] if right else e1["detection"])
            spent = e1["cheat_cost_s"] if cheats else e1["honest_cost_s"]
            if caught:
                return -spent - (1 - e1["reporter_share"]) * e1["bond_s"]
            return e1["reward_s"] - spent + (0 if right else e1["gain_s"])
        for _ in range(DRAWS // 2):
            mean.add(purse(True) - purse(False))
        return mean

    def test_a_planned_policy(self):
        plan = self.plan(PLANNED)
        trust = plan["trust"]
        self.assertLessEqual(trust["residual"], 0.05 * (1 + 1e-9))
        self.assertEqual(trust["slices"][1]["treatment"], "replicate(2, distinct=region)+audit(0.6, by=proof)")
        self.assertEqual([s["given"] for s in trust["slices"]], [False, True, False, False, True])
        audited = [s for s in trust["slices"] if "e1" in s]
        self.assertGreater(len(audited), 0)
        self.play(plan)

    def test_given_treatments_with_and_without_deterrence(self):
        plan = self.plan(GIVEN)
        self.assertEqual([s["e1"]["holds"] for s in plan["trust"]["slices"] if "e1" in s], [False, True])
        self.assertIn("E1 does not hold", self.text)
        self.play(plan)

    def test_cheating_pays_below_the_printed_rate_and_not_above(self):
        for name in ("compute-network.toml", "large-model.toml", "hospital.toml"):
            plan = self.plan(POLICIES / name)
            s = next((s for s in plan["trust"]["slices"] if "e1" in s), None)
            if s is None:  # the planner found no audit worth its cost
                continue
            with self.subTest(policy=name):
                e1 = s["e1"]
                for factor, sign in ((0.5, 1), (2, -1)):
                    mean = self.surplus(e1, min(1, factor * e1["least_rate"]), 21)
                    self.assertGreater(sign * mean.value(), 4 * mean.sigma(), f"{factor} times the least rate {e1['least_rate']}")
                if e1["holds"]:
                    mean = self.surplus(e1, parsed(s["treatment"])[3], 22)
                    self.assertLess(mean.value(), 4 * mean.sigma())
                # At the least bond the rate taken is the least one.
                mean = self.surplus({**e1, "bond_s": e1["least_bond_s"]}, parsed(s["treatment"])[3], 23)
                self.assertLess(abs(mean.value()), 4 * mean.sigma())


class Files(Plans):
    def test_the_cookbook(self):
        page = (ROOT / "docs/policies.md").read_text()
        files = sorted(POLICIES.glob("*.toml"))
        self.assertEqual(len(files), 5)
        shown = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
        self.assertEqual(len(shown), 5, "the page shows these five files and nothing else as TOML")
        for file in files:
            with self.subTest(policy=file.name):
                self.assertIn(file.name, page)
                self.assertIn(file.read_text(), shown)
                plan = self.plan(file)
                modes = [s["mode"] for s in plan["slices"]]
                again = self.plan(self.dir / "p/policy.toml", out="q")
                self.assertEqual([s["mode"] for s in again["slices"]], modes)
                if "budget" in plan["trust"]:
                    self.assertLessEqual(plan["trust"]["residual"], plan["trust"]["budget"] * (1 + 1e-9))
                for s in plan["trust"]["slices"]:
                    if "e1" in s:
                        self.assertTrue(s["e1"]["holds"], s)

    def test_text_and_json_say_the_same(self):
        plan = self.plan(PLANNED)
        document = json.loads(self.dsperse("slice", LENET, "--policy", "policy.toml", "--native-seconds", 0.0003, "--json").stdout)
        self.assertEqual(document["plan"]["trust"], plan["trust"])
        trust = plan["trust"]
        for s in trust["slices"]:
            self.assertIn(f"slice {s['slice']}: {s['treatment']}", self.text)
            self.assertIn(s["assumed"], self.text)
        for words in (f"total: cost {trust['cost_s']:.4g}", "budget: residual risk 0.05", "gain 10, bond 2000", "predicted",
                      f"output of slice 4: residual {trust['residual']:.4g}", "weakest path 0 1 2 3 4"):
            self.assertIn(words, self.text)

    def test_without_assumptions_nothing_is_believed(self):
        for treatment, failure in (("trust", 1), ("replicate(2)", 1), ("audit(0.25)", 0.75), ("proof", 2 ** -100)):
            plan = self.plan(treatment)
            self.assertFalse(plan["trust"]["assumptions"]["stated"])
            for s in plan["trust"]["slices"]:
                self.assertEqual(s["failure"], failure)
            self.assertIn("nothing is believed", self.text)

    def test_strategies(self):
        plan = self.plan("trust", "--strategy", "influence:0.015")
        strategy, slices = plan["trust"]["strategy"], plan["trust"]["slices"]
        self.assertIn(strategy["text"], self.text)
        self.assertEqual(strategy["selected"], [s["slice"] for s in slices if s["treatment"] == "proof"])
        self.assertGreater(len(strategy["selected"]), 0)
        self.assertLess(len(strategy["selected"]), 5)
        self.assertLessEqual(strategy["proof_s"], 0.015)
        for s in slices:
            self.assertGreater(s["influence"], 0)
        best = max(sum(s["influence"] for s in some) for n in range(6) for some in itertools.combinations(slices, n)
                   if sum(s["proof_s"] for s in some) <= 0.015)
        self.assertAlmostEqual(strategy["influence"], best, 9)
        again = self.plan("trust", "--strategy", "influence:0.015")
        self.assertEqual([s["influence"] for s in again["trust"]["slices"]], [s["influence"] for s in slices])
        self.assertEqual([s["mode"] for s in self.plan("audit(0.5)", "--strategy", "last:2")["slices"]],
                         ["audit(0.5)"] * 3 + ["proof"] * 2)
        self.assertIn("by default everything is", self.dsperse("slice", LENET, "--strategy", "first:1", code=2).stderr)
        self.assertIn("is no strategy", self.dsperse("slice", LENET, "--policy", "trust", "--strategy", "best", code=2).stderr)
        self.assertIn("pays for no proof", self.dsperse("slice", LENET, "--policy", "trust", "--strategy", "cost:1e-9", code=5).stderr)

    def test_verifiers_get_an_explicit_policy(self):
        (self.dir / "planned.toml").write_text('default = "trust"\nstrategy = "last:1"\n')
        run = self.dsperse("full-run", LENET, ZERO, "--labels", LABELS, "--policy", "planned.toml", "--nonce", "01", "--out", "R")
        self.assertTrue(run.stdout.startswith("accepted"), run.stdout)
        files = ("R/certificate.dscert", "--key", "R/model.dsk", "--input", ZERO, "--output", "R/output.json", "--nonce", "01")
        explicit = "R/model.plan/policy.toml"
        self.assertTrue(self.dsperse("verify", *files, "--policy", explicit).stdout.startswith("accepted"))
        refused = self.dsperse("verify", *files, "--policy", "planned.toml", code=2)
        self.assertIn("policy.toml", refused.stderr)
        self.dsperse("prove", "R", "--policy", "planned.toml", code=2)
        for policy, code in ((explicit, 0), ("planned.toml", 2), ("replicate(2)", 4)):
            python = subprocess.run([sys.executable, ROOT / "tools/verify.py", *map(str, files), "--policy", policy], cwd=self.dir,
                                    capture_output=True, text=True, timeout=600)
            self.assertEqual(python.returncode, code, python.stdout + python.stderr)

    def test_an_unfinished_run_keeps_its_plan(self):
        """Planned rates rest on times that are measured anew by the second call; the run goes on under the first call's."""
        (self.dir / "timed.toml").write_text('default = "plan"\nbudget = 0.5\nallowed = ["audit(0.001)"]\n[stakes]\nbond = 1e-4\n'
                                             "[assumptions]\nirrational = 0.05\n")
        call = ("full-run", LENET, ZERO, "--labels", LABELS, "--policy", "timed.toml", "--nonce", "01", "--out", "R", "--workers", 3,
                "--late", "user")
        self.dsperse(*call)
        key, plan, policy = ((self.dir / "R" / name).read_bytes() for name in ("model.dsk", "model.plan/plan.json", "model.plan/policy.toml"))
        self.assertEqual(json.loads(plan)["policy"], (self.dir / "timed.toml").read_text())
        done = self.dsperse(*call, "--late-nonce", "5f" * 32)
        self.assertTrue(done.stdout.startswith("accepted"), done.stdout + done.stderr)
        self.assertEqual([(self.dir / "R" / name).read_bytes() for name in ("model.dsk", "model.plan/plan.json", "model.plan/policy.toml")],
                         [key, plan, policy])

    def test_a_budget_that_nothing_keeps(self):
        (self.dir / "tight.toml").write_text('default = "plan"\nbudget = 0.001\nallowed = ["replicate(2)"]\n'
                                             "[assumptions]\ncolluding_operators = 0.2\n")
        refused = self.dsperse("slice", LENET, "--policy", "tight.toml", code=5)
        self.assertIn("no choice of treatments keeps the residual risk within 0.001", refused.stderr)

    def test_an_old_plan_is_read(self):
        """As it was written before plans had figures and policies of their own."""
        self.dsperse("slice", LENET, "--policy", "trust", "--out", "old")
        path = self.dir / "old/plan.json"
        plan = json.loads(path.read_text())
        del plan["trust"]
        plan["slices"][4]["mode"] = "proof"
        path.write_text(json.dumps(plan))
        (self.dir / "old/policy.toml").unlink()
        self.dsperse("compile", "old", "--out", "old.dsm")
        manifest = json.loads((self.dir / "old.dsm/manifest.json").read_text())
        self.assertEqual([s["mode"] for s in manifest["slices"]], ["trust"] * 4 + ["proof"])


if __name__ == "__main__":
    DSPERSE = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
