"""tools/conformance.py with a runner that this file writes: results kept whatever a case does, sums, pages."""
import json
import os
import stat
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import conformance  # noqa: E402

RUNNER = """#!{python}
import json, os, signal, sys, time
for line in sys.stdin:
    name = os.path.basename(line.strip())
    if name == "crash":
        os.abort()
    if name == "quit":
        print("out of memory", file=sys.stderr)
        sys.exit(3)
    if name == "slow":
        time.sleep(60)
    if name == "busy":
        os.kill(os.getpid(), signal.SIGPROF)
    if name == "babble":
        print("no json", flush=True)
        continue
    status = "declined" if name.startswith("no") else "failed" if name == "wrong" else "passed"
    print(json.dumps({{"folder": line.strip(), "status": status, "step": "import", "reason": "" if status == "passed" else "because",
                      "prove_ms": 2, "proof_bytes": 10, "steps": 1.5}}), flush=True)
"""


def case(name, operator="Op"):
    return {"name": name, "folder": "/cases/" + name, "operator": operator, "expanded": False}


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        runner = Path(folder.name) / "runner"
        runner.write_text(RUNNER.format(python=sys.executable))
        runner.chmod(runner.stat().st_mode | stat.S_IXUSR)
        self.command = [str(runner)]

    def run_names(self, names, jobs=2, seconds=30):
        return conformance.run_all(self.command, [case(n) for n in names], jobs, seconds)

    def test_every_case_has_its_result_in_order(self):
        names = [f"a{i}" for i in range(20)] + ["no", "wrong"]
        results = self.run_names(names)
        self.assertEqual([r["name"] for r in results], names)
        self.assertEqual([r["status"] for r in results], ["proved"] * 20 + ["declined", "failed"])

    def test_a_crash_fails_its_case_alone(self):
        results = self.run_names(["a", "crash", "b", "quit", "c", "babble", "d"], jobs=1)
        self.assertEqual([r["status"] for r in results], ["proved", "failed"] * 3 + ["proved"])
        self.assertIn("SIGABRT", results[1]["reason"])
        self.assertIn("exit code 3", results[3]["reason"])
        self.assertIn("out of memory", results[3]["reason"])

    def test_a_case_that_takes_too_long_has_failed(self):
        made = []

        def timer(seconds, end):
            """The first one is up as soon as it starts, the others never."""
            made.append(seconds)
            return unittest.mock.Mock(start=end if len(made) == 1 else lambda: None)

        with unittest.mock.patch.object(conformance.threading, "Timer", timer):
            results = self.run_names(["slow", "a"], jobs=1)
        self.assertEqual([r["status"] for r in results], ["failed", "proved"])
        self.assertIn("30 s", results[0]["reason"])
        self.assertEqual(made, [900, 900])

    def test_a_case_that_takes_too_much_processor_time_has_failed(self):
        results = self.run_names(["busy", "a"], jobs=1)
        self.assertEqual([r["status"] for r in results], ["failed", "proved"])
        self.assertIn("30 s", results[0]["reason"])

    def test_sums(self):
        results = self.run_names(["a", "b", "no", "no2", "wrong"])
        total = conformance.totals(results)
        self.assertEqual([total[k] for k in ("cases", "passed", "proved", "folded", "declined", "failed")], [5, 2, 2, 0, 2, 1])
        self.assertEqual(total["declined_reasons"], {"import: because": 2})
        self.assertEqual(total["largest_error_steps"], 1.5)
        row = conformance.by_operator(results)[0]
        self.assertEqual((row["operator"], row["proved"], row["declined"], row["failed"]), ("Op", 2, 2, 1))

    def test_main_counts_failures(self):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "r.json"
            for names, least, code in ((["a", "no"], 1, 0), (["a", "no"], 2, 1), (["a", "wrong"], 0, 1)):
                ours = [case(n) for n in names]
                with unittest.mock.patch.object(conformance, "onnx_cases", return_value=ours), \
                     unittest.mock.patch.object(conformance, "debian_cases", return_value=[case("d")]), \
                     unittest.mock.patch("builtins.print"):
                    self.assertEqual(conformance.main([*self.command, str(out), "--least", str(least)]), code)
                report = json.loads(out.read_text())
                self.assertEqual(report["debian"]["proved"], 1)
                self.assertEqual(report["cases"], 2)

    def test_main_without_cases(self):
        with unittest.mock.patch.object(conformance, "onnx_cases", side_effect=conformance.Unavailable("no network")), \
             unittest.mock.patch("builtins.print"):
            self.assertEqual(conformance.main([*self.command, os.devnull]), 2)


class Text(unittest.TestCase):
    def test_reasons_of_one_cause_are_one_group(self):
        a = {"step": "float", "reason": "output 0 element 3 is 1.25, expected 7"}
        b = {"step": "float", "reason": "output 1 element 12 is -1e-9, expected 0.5"}
        self.assertEqual(conformance.group_of(a), conformance.group_of(b))
        c = {"step": "import", "reason": "the operator has no integer form (node 'a' (Foo))"}
        self.assertEqual(conformance.group_of(c), "import: the operator has no integer form")
        d = {"step": "import", "reason": "operators not supported: Foo (2), Bar (1) (/a/b/case/model.onnx > node 'x' (Foo)): see the page"}
        self.assertEqual(conformance.group_of(d), "import: operators not supported: Foo (2), Bar (1)")

    def test_choose(self):
        cases = [case(f"a{i}") for i in range(25)]
        self.assertEqual([c["name"] for c in conformance.choose(cases, 10, None)], ["a0", "a10", "a20"])
        self.assertEqual(len(conformance.choose(cases, 1, "a1$")), 1)

    def test_pages_keep_what_is_around_a_part(self):
        page = "a\n<!-- x: written by tools/conformance.py -->\nold\n<!-- end of x -->\nb\n"
        renewed = conformance.renew(page, "x", "new")
        self.assertEqual(renewed, page.replace("old", "new"))
        with self.assertRaises(ValueError):
            conformance.renew("nothing", "x", "new")


if __name__ == "__main__":
    unittest.main()
