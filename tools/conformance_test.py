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

    def test_random_cases_are_counted_apart(self):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "r.json"
            drawn = [{**case(n), "by": "onnxruntime"} for n in ("a", "b", "no")]
            for wrong, code in (([], 0), ([case("wrong")], 1)):
                with unittest.mock.patch.object(conformance, "random_cases", return_value=drawn + wrong) as made, \
                     unittest.mock.patch.object(conformance, "debian_cases", return_value=[]), \
                     unittest.mock.patch("builtins.print"):
                    self.assertEqual(conformance.main([*self.command, str(out), "--sample", "0", "--random", "7", "--seed", "5"]), code)
                self.assertEqual(made.call_args.args[1:], (7, 5, None))
                report = json.loads(out.read_text())
                self.assertEqual(report["cases"], 0)
                r = report["random"]
                self.assertEqual((r["count"], r["seed"], r["proved"], r["declined"], r["failed"]), (7, 5, 2, 1, len(wrong)))
                self.assertEqual(r["results"][0]["by"], "onnxruntime")
                self.assertIn("| random, 7 an operator, seed 5 | ", conformance.sums(report))

    def test_main_without_cases(self):
        with unittest.mock.patch.object(conformance, "onnx_cases", side_effect=conformance.Unavailable("no network")), \
             unittest.mock.patch("builtins.print"):
            self.assertEqual(conformance.main([*self.command, os.devnull]), 2)


WRITER = """import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
if sys.argv[3] == "13":
    sys.exit("no luck")
written = folder.parent / "written"
written.write_text(written.read_text() + "x" if written.exists() else "x")
(folder / "index.json").write_text(json.dumps([{"name": "conv_%s_0" % sys.argv[5], "operator": "Conv", "expanded": False}]))
"""


class RandomCases(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.base = Path(folder.name)
        (self.base / "random_cases").mkdir()
        for name, text in (("requirements.txt", ""), ("write_random.py", WRITER), ("random_cases/draw.py", "")):
            (self.base / name).write_text(text)
        for name, value in (("SOURCE", self.base), ("environment", lambda folder: sys.executable)):
            patch = unittest.mock.patch.object(conformance, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def test_written_again_only_if_something_is_different(self):
        first = conformance.random_cases(self.base, 3, 5, None)
        self.assertEqual([c["name"] for c in first], ["conv_5_0"])
        self.assertEqual(first[0]["folder"], str(self.base / "random" / "conv_5_0"))
        for count, seed, only, times in ((3, 5, None, 1), (4, 5, None, 2), (4, 6, None, 3), (4, 6, "conv", 4), (4, 6, "conv", 4)):
            conformance.random_cases(self.base, count, seed, only)
            self.assertEqual(len((self.base / "written").read_text()), times)
        (self.base / "random_cases" / "draw.py").write_text("# another generator")
        conformance.random_cases(self.base, 4, 6, "conv")
        self.assertEqual(len((self.base / "written").read_text()), 5)

    def test_cases_that_cannot_be_written(self):
        with self.assertRaisesRegex(conformance.Unavailable, "no luck"):
            conformance.random_cases(self.base, 13, 1, None)


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
