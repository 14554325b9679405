#!/usr/bin/env python3
"""kill -9 at every write, sync, rename and unlink of prove, compile, key split and key import: no opening is ever used twice.

    tests/e2e/kill_test.py build/release/dsperse build/release/tests/e2e/libkill_at.so [TestClass.test_name ...]

Each case is a world of its own: a state folder, a run, one killed process, one that goes on. What other processes could see after
the kill is compared with the counters: every proof's opening, and every link's, must be counted before the proof is visible.
"""

import itertools
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MLP, ZERO = ROOT / "examples/digits/mlp.onnx", ROOT / "examples/digits/images/0.png"
DSPERSE = KILLER = None


def read_proof(path):
    """(root, opening) of a stored slice proof and its links (docs/formats/run.md)."""
    data, at = path.read_bytes(), 0

    def take(n):
        nonlocal at
        at += n
        assert at <= len(data), path
        return data[at - n : at]

    def u32():
        return struct.unpack("<I", take(4))[0]

    assert take(8) == b"DSPRF001"
    take(32)
    u32()
    root = take(32) if take(1) == b"\1" else None
    opening, links = u32(), []
    for _ in range(u32()):
        base, epoch, base_opening, epoch_opening = take(32), take(32), u32(), u32()
        take(u32())
        links.append((base, base_opening, epoch, epoch_opening))
    take(u32())
    assert at == len(data), path
    return root, opening, links


class World:
    """A folder with a state folder of its own; the compiled model is shared."""

    def __init__(self, base, name):
        self.dir = base / name
        self.dir.mkdir()
        self.env = {**os.environ, "DSPERSE_STATE_DIR": str(self.dir / "state"), "NO_COLOR": "1", "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def run(self, *args, kill_at=None, log=None):
        env = dict(self.env)
        if kill_at is not None or log is not None:
            env["LD_PRELOAD"] = str(KILLER)
        if kill_at is not None:
            env["DSPERSE_KILL_AT"] = str(kill_at)
        if log is not None:
            env["DSPERSE_KILL_LOG"] = str(log)
        return subprocess.run([DSPERSE, *map(str, args)], cwd=self.dir, env=env, capture_output=True, text=True, timeout=300)

    def rows(self, sql):
        path = self.dir / "state/openings.db"
        if not path.exists():
            return []
        db = sqlite3.connect(path)
        try:
            return db.execute(sql).fetchall()
        except sqlite3.OperationalError:  # killed before the tables were there
            return []
        finally:
            db.close()

    def counted(self):
        """All (root, index) that the counters call used."""
        out = set()
        for root, first, after in self.rows("SELECT root, first, next FROM ranges"):
            out |= {(root, i) for i in range(first, after)}
        return out

    def visible(self):
        """All (root, index) in the proofs that can be seen, and how often."""
        out = []
        for path in sorted((self.dir / "R/proofs").glob("*.bin")):
            root, opening, links = read_proof(path)
            out.append((root, opening))
            out += [(base, index) for base, index, _, _ in links]
        return out


class Worlds(unittest.TestCase):
    worlds = 0

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="dsperse-kill-")
        cls.base = pathlib.Path(cls.folder.name)
        cls.home = World(cls.base, "home")
        for args in (("slice", MLP, "--count", "2"), ("compile", "mlp.plan"), ("run", "mlp.dsm", ZERO, "--nonce", "01", "--out", "R")):
            done = cls.home.run(*args)
            assert done.returncode == 0, done
        cls.dsm, cls.dsk = cls.home.dir / "mlp.dsm", cls.home.dir / "mlp.dsk"
        cls.model_id = json.loads((cls.dsm / "manifest.json").read_text())["model_id"]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def share(self, first, end):
        path = self.base / f"share-{first}-{end}"
        slices = [{"slice": i, "first": first, "end": end} for i in range(2)]
        path.write_text(json.dumps({"format": "dsperse-openings", "version": 1, "model_id": self.model_id, "slices": slices}))
        return path

    def world(self, share=None):
        Worlds.worlds += 1
        world = World(self.base, f"world-{Worlds.worlds}")
        if share:
            self.ok(world.run("key", "import", self.dsm, share))
        shutil.copytree(self.home.dir / "R", world.dir / "R")
        return world

    def ok(self, done, code=0):
        self.assertEqual(done.returncode, code, f"{done.stdout}\n{done.stderr}")
        return done

    def each_call(self, world_of, check, *args):
        """check(n, world after a kill before the n-th call, all calls) for every call that the command makes; n = 0: not killed.

        Of a run of equal calls on one file (the pages of one transaction) the first, the middle and the last one count.
        """
        whole, log = world_of(), self.base / "log"
        log.unlink(missing_ok=True)
        self.ok(whole.run(*args, log=log))
        calls = log.read_text().splitlines()
        self.assertGreater(len(calls), 5)
        check(0, whole, calls)
        runs = [list(run) for _, run in itertools.groupby(range(1, len(calls) + 1), lambda n: calls[n - 1].split(" ", 1)[1])]
        for n in sorted({n for run in runs for n in (run[0], run[len(run) // 2], run[-1])}):
            world = world_of()
            done = world.run(*args, kill_at=n)
            if done.returncode == 0 and len(calls) - n < 8:
                continue  # proof sizes, hence their writes, differ by a few: this run ended before its n-th call
            self.assertEqual(done.returncode, -signal.SIGKILL, f"call {n} of {len(calls)}: {done}")
            with self.subTest(before=calls[n - 1]):
                check(n, world, calls)
            shutil.rmtree(world.dir)


class Killed(Worlds):
    def no_uncounted(self, world):
        visible, counted = world.visible(), world.counted()
        self.assertEqual(len(visible), len(set(visible)), "an opening is used twice")
        self.assertLessEqual(set(visible), counted, "a proof with an opening that is not counted is visible")
        epochs = world.rows("SELECT parent, base_opening FROM epochs WHERE parent IS NOT NULL")
        self.assertEqual(len(epochs), len(set(epochs)), "two epochs used one opening")
        self.assertLessEqual(set(epochs), counted, "an epoch whose opening is not counted")
        return visible, counted

    def prove_under_kills(self, first, end, epochs):
        share = self.share(first, end)

        def check(n, world, calls):
            before_visible, before = self.no_uncounted(world)
            if n == 0:
                self.counted_is_on_disk_before_a_proof_is_visible(calls)
                self.assertEqual(len(before_visible), 4 if epochs else 2)
            self.ok(world.run("prove", "R", "--threads", "1"))
            visible, counted = self.no_uncounted(world)
            self.assertLessEqual(before, counted, "a counter went back")
            self.assertLessEqual(set(before_visible), set(visible), "a finished proof was lost")
            if n % 4 == 0:
                self.ok(world.run("verify", "R/certificate.dscert", "--key", self.dsk, "--input", ZERO, "--output", "R/output.json", "--nonce", "01", "--no-cache"))

        self.each_call(lambda: self.world(share), check, "prove", "R", "--threads", "1")

    def counted_is_on_disk_before_a_proof_is_visible(self, calls):
        """Also when the power fails: nothing written to the counters is unsynced when a proof gets its name."""
        unsynced, proofs = False, 0
        for line in calls:
            _, name, path = line.split(" ", 2)
            if path.endswith("openings.db-wal"):
                unsynced = name not in ("fsync", "fdatasync") and (unsynced or name == "pwrite")
            if name == "rename" and "/proofs/" in path:
                proofs += 1
                self.assertFalse(unsynced, line)
        self.assertEqual(proofs, 2)

    def test_prove_with_the_origin(self):
        self.prove_under_kills(1, 4, False)

    def test_prove_with_fresh_epochs(self):
        self.prove_under_kills(4, 8, True)

    def test_import(self):
        share = self.share(1, 4)

        def check(_n, world, _calls):
            done = world.run("key", "import", self.dsm, share)
            self.assertIn(done.returncode, (0, 3), done)
            rows = world.rows("SELECT first, next, last FROM ranges")
            self.assertEqual(rows, [(1, 1, 4)] * 2, "both slices' openings, once")

        self.each_call(self.world, check, "key", "import", self.dsm, share)

    def test_split(self):
        share = self.share(1, 16)

        def check(n, world, _calls):
            kept = [last for (last,) in world.rows("SELECT last FROM ranges ORDER BY id")]
            out = world.dir / "out"
            given = [s["first"] for s in json.loads(out.read_text())["slices"]] if out.exists() else [16, 16]
            for last, first in zip(kept, given):
                self.assertLessEqual(last, first, "an opening is here and in the share")
            self.assertTrue(out.exists() or n != 0)

        self.each_call(lambda: self.world(share), check, "key", "split", self.dsm, "--openings", "3", "--out", "out")

    def test_compile(self):
        def world():
            made = self.world()
            shutil.copytree(self.home.dir / "mlp.plan", made.dir / "mlp.plan")
            return made

        def check(_n, world, _calls):
            if (world.dir / "mlp.dsm/manifest.json").exists():
                self.assertEqual(world.rows("SELECT first, next, last FROM ranges"), [(1, 1, 16)] * 2, "a model without its openings")
                self.ok(world.run("run", "mlp.dsm", ZERO, "--out", "S"))
                self.ok(world.run("prove", "S"))
            else:
                self.ok(world.run("compile", "mlp.plan"))

        self.each_call(world, check, "compile", "mlp.plan")


class Counters(Worlds):
    """Processes side by side, copies and backups."""

    def test_many_processes_never_share_an_opening(self):
        world = self.world(self.share(1, 16))
        runs = [f"R{i}" for i in range(6)]
        for run in runs:
            self.ok(world.run("run", self.dsm, ZERO, "--out", run))
        start = lambda run: subprocess.Popen([DSPERSE, "prove", run], cwd=world.dir, env=world.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for process in [start(run) for run in runs]:
            self.assertEqual(process.wait(), 0, process.stderr.read())
            process.stderr.close()
        used, links = [], set()
        for run in runs:
            for path in (world.dir / run / "proofs").glob("*.bin"):
                root, opening, chain = read_proof(path)
                used.append((root, opening))
                links |= set(chain)
        used += [(base, index) for base, index, _, _ in links] + [(epoch, index) for _, _, epoch, index in links]
        self.assertEqual(len(used), len(set(used)))
        epochs = {(epoch, 0) for (epoch,) in world.rows("SELECT root FROM epochs WHERE parent IS NOT NULL")}
        self.assertLessEqual(set(used), world.counted() | epochs)

    def test_the_budget_ends_with_a_word_of_what_to_do(self):
        world = self.world(self.share(2, 3))
        self.ok(world.run("prove", "R"))
        self.ok(world.run("run", self.dsm, ZERO, "--out", "S"))
        refused = self.ok(world.run("prove", "S"), code=5)
        self.assertIn("no openings left", refused.stderr)
        for words in ("compile the model again", "key split", "key import"):
            self.assertIn(words, refused.stderr)
        self.assertEqual(list((world.dir / "S/proofs").glob("*")), [])

    def test_a_copied_model_and_copied_counters_have_no_openings(self):
        world = self.world(self.share(1, 4))
        shutil.copytree(self.dsm, world.dir / "copy.dsm")
        elsewhere = World(world.dir, "elsewhere")
        refused = self.ok(elsewhere.run("prove", world.dir / "R", "--model", world.dir / "copy.dsm"), code=5)
        self.assertIn("key split", refused.stderr)
        shutil.copytree(world.dir / "state", elsewhere.dir / "state", dirs_exist_ok=True)
        refused = self.ok(elsewhere.run("prove", world.dir / "R", "--model", self.dsm), code=3)
        self.assertIn("copy", refused.stderr)
        self.assertIn("delete the file", refused.stderr)
        self.ok(world.run("prove", "R"))

    def test_restored_counters(self):
        world = self.world(self.share(1, 4))
        db, backup = world.dir / "state/openings.db", world.dir / "backup"
        shutil.copy(db, backup)
        self.ok(world.run("prove", "R"))
        db.write_bytes(backup.read_bytes())  # over the same file: its inode says nothing, but the run's proofs do
        refused = self.ok(world.run("prove", "R"), code=3)
        self.assertIn("older than this proof", refused.stderr)
        db.unlink()
        shutil.copy(backup, db)
        refused = self.ok(world.run("prove", "R"), code=3)
        self.assertIn("restored", refused.stderr)


if __name__ == "__main__":
    DSPERSE = str(pathlib.Path(sys.argv.pop(1)).resolve())
    KILLER = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
