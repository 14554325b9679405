"""What tools/guard.py makes of counts."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import guard  # noqa: E402

KEPT = {"compiler": "GNU 1", "instructions": {"a": 1000, "b": 2000}}


class Guard(unittest.TestCase):
    def test_reads_what_callgrind_says(self):
        self.assertEqual(guard.collected("==1== Events    : Ir\n==1== Collected : 183445\n"), 183445)
        self.assertIsNone(guard.collected("==1== Collected : 0\n"))
        self.assertIsNone(guard.collected("valgrind: cannot run"))

    def test_five_per_cent_pass_and_more_fail(self):
        lines, failed = guard.compare(KEPT, {"a": 1050, "b": 2000}, "GNU 1")
        self.assertEqual(failed, 0)
        lines, failed = guard.compare(KEPT, {"a": 1051, "b": 2000}, "GNU 1")
        self.assertEqual(failed, 1)
        self.assertIn("--renew", lines[-1])
        self.assertIn("dearer", lines[1])

    def test_cheaper_is_no_failure_and_asks_for_a_new_baseline(self):
        lines, failed = guard.compare(KEPT, {"a": 900, "b": 2000}, "GNU 1")
        self.assertEqual(failed, 0)
        self.assertIn("renew", lines[1])

    def test_a_case_without_its_other_half_fails(self):
        self.assertEqual(guard.compare(KEPT, {"a": 1000}, "GNU 1")[1], 1)
        self.assertEqual(guard.compare(KEPT, {"a": 1000, "b": 2000, "c": 1}, "GNU 1")[1], 1)

    def test_another_compiler_is_named(self):
        lines, failed = guard.compare(KEPT, {"a": 1000, "b": 2000}, "GNU 2")
        self.assertEqual(failed, 0)
        self.assertIn("GNU 2", lines[-1])
        self.assertIn("GNU 1", lines[-1])

    def test_the_kept_baseline_has_a_compiler_and_counts(self):
        import json
        kept = json.loads(guard.BASELINE.read_text())
        self.assertTrue(kept["compiler"])
        self.assertTrue(all(n > 10_000 for n in kept["instructions"].values()))


if __name__ == "__main__":
    unittest.main()
