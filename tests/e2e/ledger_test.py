#!/usr/bin/env python3
"""`dsperse ledger` on a log that is written here from docs/formats/ledger.md alone: its tree by the plain Python BLAKE3, its file by sqlite3.

  ledger_test.py DSPERSE. Standard library only.
"""

import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
from verify import blake3  # noqa: E402

DSPERSE = None
ENTRIES = [f"entry {i}".encode() for i in range(11)]


def leaf(entry):
    return blake3.hash_tagged("dsperse ledger leaf v1", entry)


def root(leaves):
    """RFC 9162, 2.1.1."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return blake3.hash_tagged("dsperse ledger node v1", root(leaves[:k]), root(leaves[k:]))


def consistency(leaves, first, whole=True):
    """RFC 9162, 2.1.4.1: the proof from `first` leaves to all."""
    if first == len(leaves):
        return [] if whole else [root(leaves)]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if first <= k:
        return consistency(leaves[:k], first, whole) + [root(leaves[k:])]
    return consistency(leaves[k:], first - k, False) + [root(leaves[:k])]


def write_log(path, entries, origin="example.org/python"):
    leaves = [leaf(e) for e in entries]
    db = sqlite3.connect(path)
    db.executescript("""
        CREATE TABLE log(one INTEGER PRIMARY KEY CHECK(one = 1), origin TEXT NOT NULL);
        CREATE TABLE entry(seq INTEGER PRIMARY KEY, data BLOB NOT NULL);
        CREATE TABLE node(id INTEGER PRIMARY KEY, hash BLOB NOT NULL);
        CREATE TABLE head(size INTEGER PRIMARY KEY, root BLOB NOT NULL);
        CREATE TABLE checkpoint(size INTEGER PRIMARY KEY, envelope BLOB NOT NULL);
        PRAGMA user_version = 1;""")
    db.execute("INSERT INTO log VALUES(1, ?)", (origin,))
    db.executemany("INSERT INTO entry VALUES(?, ?)", enumerate(entries))
    level, nodes = 0, leaves
    while nodes:
        db.executemany("INSERT INTO node VALUES(?, ?)", [((level << 48) + i, h) for i, h in enumerate(nodes)])
        nodes = [blake3.hash_tagged("dsperse ledger node v1", nodes[i], nodes[i + 1]) for i in range(0, len(nodes) - 1, 2)]
        level += 1
    db.execute("INSERT INTO head VALUES(?, ?)", (len(entries), root(leaves)))
    db.commit()
    db.close()
    return leaves


class Ledger(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.folder.name)
        self.leaves = write_log(self.dir / "ledger.db", ENTRIES)

    def tearDown(self):
        self.folder.cleanup()

    def call(self, *args, code=0):
        done = subprocess.run([DSPERSE, "ledger", *map(str, args)], cwd=self.dir, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, f"{args}\n{done.stdout}{done.stderr}")
        return done

    def test_show(self):
        for ledger in (".", "ledger.db"):
            d = json.loads(self.call("show", ledger, "--json", "--newest", 3).stdout)
            self.assertEqual((d["origin"], d["size"], d["root"]), ("example.org/python", 11, root(self.leaves).hex()))
            self.assertEqual(d["kinds"], {"bytes": 11})
            self.assertEqual([e["index"] for e in d["entries"]], [8, 9, 10])
        self.assertIn(ENTRIES[4].hex(), self.call("show", ".", "--entry", 4).stdout)
        self.call("show", ".", "--entry", 11, code=2)
        self.assertIn("cannot be read", self.call("show", "absent", code=3).stderr)
        (self.dir / "text").write_text("no log")
        self.call("show", "text", code=3)

    def test_check(self):
        self.assertIn("sound: all 11 entries", self.call("check", ".").stdout)
        db = sqlite3.connect(self.dir / "ledger.db")
        db.execute("UPDATE entry SET data = ? WHERE seq = 4", (b"entry 5",))
        db.commit()
        db.close()
        self.assertIn("damaged log", self.call("check", "ledger.db", code=3).stderr)
        (self.dir / "text").write_text("no log")
        self.assertIn("neither an entry", self.call("check", "text", code=3).stderr)

    def test_prove(self):
        for first in range(1, 12):
            self.call("prove", ".", "--growth", f"{first}:11", "--out", "growth.bin")
            head = b"DSCON001" + first.to_bytes(8, "little") + (11).to_bytes(8, "little")
            self.assertEqual((self.dir / "growth.bin").read_bytes(), head + b"".join(consistency(self.leaves, first)), first)
        self.call("prove", ".", "--growth", "3:12", code=2)
        self.call("prove", ".", "--growth", "3", code=2)
        self.call("prove", ".", code=2)
        self.call("prove", ".", 1, "--growth", "3:11", code=2)
        self.assertIn("no checkpoint", self.call("prove", ".", 1, code=2).stderr)
        self.assertIn("no receipt", self.call("prove", ".", "--receipt", "00" * 32, code=2).stderr)


if __name__ == "__main__":
    DSPERSE = sys.argv.pop(1)
    unittest.main()
