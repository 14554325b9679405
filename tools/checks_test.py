"""Tests of the checkers: each rule is broken once and must be seen."""

import unittest

import attacks
import check_rooms
import check_text
import check_verifier

RULES = check_rooms.Rules(
    """
room base:
room low: base
room low/inner: base low
room crypto/a: base
room high: base low crypto/*
foreign sqlite3.h: high/*.cc
foreign google/protobuf/: low/inner/*.cc
test-only: low/forge.h
verifier: one two
"""
)


class Rooms(unittest.TestCase):
    def check(self, path, *includes):
        return check_rooms.complaints_of(RULES, path, "".join(f"#include {i}\n" for i in includes))

    def test_allowed(self):
        self.assertEqual(self.check("high/x.cc", '"dsperse/low/a.h"', '"dsperse/crypto/a/b.h"', "<sqlite3.h>", "<vector>"), [])
        self.assertEqual(self.check("low/inner/x.cc", '"dsperse/low/a.h"', "<google/protobuf/message.h>"), [])
        self.assertEqual(self.check("low/x_test.cc", '"dsperse/high/a.h"', '"dsperse/low/forge.h"'), [])

    def test_upward_include(self):
        self.assertIn("may not know room high", self.check("low/x.cc", '"dsperse/high/a.h"')[0])
        self.assertIn("may not know room low/inner", self.check("high/x.cc", '"dsperse/low/inner/a.h"')[0])

    def test_foreign_type_outside_of_its_room(self):
        self.assertIn("belongs to", self.check("low/x.cc", "<sqlite3.h>")[0])
        self.assertIn("belongs to", self.check("high/x.h", "<sqlite3.h>")[0])
        self.assertIn("belongs to", self.check("low/x.cc", "<google/protobuf/message.h>")[0])

    def test_product_code_includes_test_code(self):
        self.assertIn("product code", self.check("low/x.cc", '"dsperse/low/testing/a.h"')[0])
        self.assertIn("for tests", self.check("low/x.cc", '"dsperse/low/forge.h"')[0])

    def test_file_without_room(self):
        self.assertIn("no room", self.check("elsewhere/x.cc")[0])
        self.assertIn("in no room", self.check("low/x.cc", '"dsperse/elsewhere/a.h"')[0])


class Text(unittest.TestCase):
    def check(self, name, data):
        patterns, _ = check_text.read_patterns(r"(^|\s)/ho[m]e/\w    a path of one machine" + "\n" + r"\bTO" + r"DO\b    an open end" + "\n")
        return check_text.complaints_of(patterns, name, data)

    def test_clean(self):
        self.assertEqual(self.check("a.h", b"// For x.\nint a;\n"), [])

    def test_each_rule(self):
        for name, data in (
            ("a.md", b"see /ho" + b"me/x/file\n"),
            ("a.md", b"TO" + b"DO later\n"),
            ("a.md", b"\xff\n"),
            ("a.md", b"a\r\n"),
            ("a.md", b"no newline"),
            ("a.cc", b"int a; \n"),
            ("a.h", b"int a;\n"),
        ):
            self.assertEqual(len(self.check(name, data)), 1, data)


class Verifier(unittest.TestCase):
    def test_symbols(self):
        out = "a.o:\n                 U pthread_create@GLIBC_2.34\n                 U memcpy\n                 U std::thread::join()\n"
        self.assertEqual(check_verifier.forbidden_symbols(out), ["pthread_create@GLIBC_2.34", "std::thread::join()"])
        self.assertEqual(check_verifier.forbidden_symbols("                 U dsperse::proof::reopen()\n"), [])
        ends = "                 U __cxa_throw\n                 U abort@GLIBC_2.2.5\n                 U __gxx_personality_v0\n"
        self.assertEqual(len(check_verifier.forbidden_symbols(ends)), 3)
        resorts = "                 U std::__throw_length_error(char const*)\n                 U std::__throw_odd(int)\n"
        self.assertEqual(check_verifier.last_resorts(resorts), ["std::__throw_length_error", "std::__throw_odd"])
        self.assertNotIn("std::__throw_odd", check_verifier.LAST_RESORTS)


class Attacks(unittest.TestCase):
    KNOWN = {"known": "rule", "id": "a", "bits": 100}
    TRIED = {"attacked": "rule", "id": "a", "bits": 100, "tried": 3, "survived": 0}

    def counts(self, *lines):
        out = attacks.summarize(lines)
        return out["survivors"], out["unattacked"], out["dead_checks"], out["attacks"]

    def test_sum(self):
        self.assertEqual(self.counts(self.KNOWN, self.KNOWN, self.TRIED, self.TRIED), (0, 0, 0, 6))
        out = attacks.summarize([self.KNOWN, self.TRIED, {"count": "fuzz executions", "value": 5}, {"count": "fuzz executions", "value": 2}])
        self.assertEqual((out["fuzz_executions"], out["kinds"]["rule"]["ids"]), (7, 1))

    def test_survivor(self):
        self.assertEqual(self.counts(self.KNOWN, self.TRIED | {"survived": 2})[0], 2)

    def test_unattacked(self):
        self.assertEqual(self.counts(self.KNOWN)[1], 1)
        self.assertEqual(self.counts(self.KNOWN, self.TRIED | {"tried": 0})[1], 1, "nothing was tried")
        self.assertEqual(self.counts(self.KNOWN, self.TRIED | {"bits": 128})[1], 1, "the other profile")
        self.assertEqual(self.counts(self.KNOWN, self.TRIED | {"attacked": "scan"})[1], 1, "another kind")
        self.assertEqual(self.counts(self.KNOWN, self.TRIED | {"bits": 0})[1], 0, "an attack of no profile")

    def test_dead(self):
        self.assertEqual(self.counts(self.KNOWN, self.TRIED, {"dead": "a"}, {"dead": "a"})[2], 1)


if __name__ == "__main__":
    unittest.main()
