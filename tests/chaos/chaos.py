#!/usr/bin/env python3
"""Runs over real processes while processes die and stop, the disk fills and blobs are lost: no job lost, no wrong result.

    tests/chaos/chaos.py build/release/dsperse build/chaos.json [--runs 200] [--seed N] [--keep FOLDER]

`dsperse serve` and four workers serve a stream of `dsperse run --network`, faults come at random moments of one seed. Then every run
must be finished and equal a run without faults, every certificate be accepted under its policy, no worker be struck for anything but
lateness, no opening be used twice. Standard library alone. docs/chaos.md.
"""

import argparse
import base64
import collections
import json
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from faults import Disk, Faults  # noqa: E402
from kill_test import read_proof  # noqa: E402
from town import AT_ONCE, INPUTS, POLICIES, Client, Town  # noqa: E402

STORM = 420     # seconds of faults at most
CALM = 240      # seconds for what is left then
RESUMES = 6     # commands that coordinate themselves, killed and given again
KILLS = 3       # of each


def ask(town, runs, rng):
    """The next run, if few are waited for. False: all are asked, and few are left."""
    waiting = len(town.open_clients())
    number = len(town.clients)
    if waiting < AT_ONCE and number < runs:
        town.clients.append(Client(town, number, POLICIES[number % len(POLICIES)], f"x{rng.randrange(INPUTS)}.json"))
    return number < runs or waiting >= AT_ONCE


def stream(town, faults, runs, rng):
    """Runs under faults, as long as many are left."""
    told = 0
    while ask(town, runs, rng) and time.monotonic() - faults.start < STORM:
        if len(town.clients) >= told + 20:
            told = len(town.clients)
            print(f"{told} asked, {sum(c.finished for c in town.clients)} finished, {sum(faults.counts.values())} faults, "
                  f"{time.monotonic() - faults.start:.0f} s", flush=True)
        faults.look()
        town.look()
        time.sleep(0.01)


def calm(town, runs, rng):
    end = time.monotonic() + CALM
    while (ask(town, runs, rng) or town.open_clients()) and time.monotonic() < end:
        town.look()
        time.sleep(0.01)


def resume(town, rng):
    """Gives numbers of commands that were killed and given again, of kills, and of runs that did not end right."""
    kills = wrong = 0
    for i in range(RESUMES):
        image = rng.randrange(INPUTS)
        command = town.command("run", "D.dsm", f"x{image}.json", "--workers", 2, "--policy", "replicate(2)", "--nonce", f"ff{i:02x}", "--out",
                               f"resume{i}")
        for _ in range(KILLS):
            with open(town.base / f"logs/resume{i}.log", "ab") as log:
                child = subprocess.Popen(command, cwd=town.base, env=town.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                child.wait(rng.uniform(0.02, 0.6))
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
                child.wait()
                kills += 1
        done = subprocess.run(command, cwd=town.base, env=town.env, capture_output=True, text=True, timeout=CALM)
        right = done.returncode == 0 and town.output(f"resume{i}") == town.truth[image]
        if right:
            right = town.call(*verify_words(f"resume{i}", f"x{image}.json", f"ff{i:02x}", "replicate(2)"), code=None).returncode == 0
        if not right:
            wrong += 1
            print(f"resume{i}: {done.stdout}{done.stderr}", file=sys.stderr)
    return RESUMES, kills, wrong


def verify_words(run, image, nonce, policy, *more):
    return ("verify", f"{run}/certificate.dscert", "--key", "D.dsk", "--input", image, "--output", f"{run}/output.json", "--nonce", nonce,
            "--policy", policy, *more)


def strikes(ledger):
    """Strikes by kind, without those that were pardoned."""
    out = collections.Counter()
    db = sqlite3.connect(ledger)
    for (entry,) in db.execute("SELECT data FROM entry"):
        envelope = json.loads(entry)
        if envelope["payloadType"].endswith("strike+json"):
            out[json.loads(base64.b64decode(envelope["payload"]))["kind"]] += 1
    db.close()
    return out


def judge(town, keeper):
    out = {"finished": 0, "lost": 0, "wrong": 0, "rejected_certificates": 0}
    openings = collections.Counter()
    for c in town.clients:
        if not c.finished:
            out["lost"] += 1
            print(f"run {c.number} ({c.policy}) is lost: {c.lost or c.log.read_text(errors='replace')}", file=sys.stderr)
            continue
        out["finished"] += 1
        image = int(c.image[1:-5])
        if town.output(c.out) != town.truth[image]:
            out["wrong"] += 1
            print(f"run {c.number} ({c.policy}) is wrong", file=sys.stderr)
        done = town.call(*verify_words(c.out, c.image, c.nonce, c.policy, "--coordinator", keeper), code=None)
        if done.returncode != 0:
            out["rejected_certificates"] += 1
            print(f"run {c.number} ({c.policy}): {done.stdout}{done.stderr}", file=sys.stderr)
    proofs = [p for folder in ("runs/*", "resume*") for p in town.base.glob(folder + "/proofs/*.bin")]
    for path in proofs:
        root, opening, _ = read_proof(path)
        if root is not None:
            openings[(root, opening)] += 1
    out["proofs"] = len(proofs)
    out["duplicate_openings"] = sum(n - 1 for n in openings.values())
    found = strikes(town.network / "ledger.db")
    out["strikes"] = dict(found)
    out["struck_correctness"] = found["correctness"]
    out["struck_commitment"] = found["commitment"]
    out["ledger_sound"] = town.call("ledger", "check", town.network / "ledger.db", code=None).returncode == 0
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dsperse")
    parser.add_argument("out")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", help="folder that is left behind with all files")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))  # and leave nothing behind
    rng = random.Random(args.seed)
    base = pathlib.Path(args.keep).resolve() if args.keep else pathlib.Path(tempfile.mkdtemp(prefix="dsperse-chaos-"))
    base.mkdir(exist_ok=True)
    start = time.monotonic()
    disk = Disk(base / "network")
    town = Town(pathlib.Path(args.dsperse).resolve(), base, base / "network")
    try:
        town.server.start()
        while not (town.network / "engine/engine.db").exists():
            time.sleep(0.02)
        faults = Faults(town, disk, random.Random(rng.getrandbits(64)))
        try:
            stream(town, faults, args.runs, rng)
        finally:
            faults.over()
        stormy = time.monotonic() - faults.start
        calm(town, args.runs, rng)
        town.end()
        keeper = json.loads(next((town.network / "requests").glob("*.answer.json")).read_text())["coordinator"]
        resumed, kills, unresumed = resume(town, rng)
        result = judge(town, keeper)
    finally:
        town.end()
        if not args.keep:
            disk.remove()
            shutil.rmtree(base, ignore_errors=True)
    result = {"runs": args.runs, **result, "policies": dict(collections.Counter(c.policy for c in town.clients)),
              "resumed": resumed, "resume_kills": kills, "not_resumed": unresumed,
              "faults": dict(sorted(faults.counts.items())), "faults_total": sum(faults.counts.values()), "full_disk_by": disk.kind,
              "restarts": {"coordinator": town.server.starts - 1, "workers": sum(w.starts - 1 for w in town.workers),
                           "clients": sum(c.asked - 1 for c in town.clients)},
              "exit_codes": {m.name: dict(m.exits) for m in town.members()},
              "seconds_under_faults": round(stormy, 1), "seconds": round(time.monotonic() - start, 1), "seed": args.seed,
              "history": faults.history}
    pathlib.Path(args.out).write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k != "history"}, indent=1))
    bad = [k for k in ("lost", "wrong", "rejected_certificates", "struck_correctness", "struck_commitment", "duplicate_openings", "not_resumed")
           if result[k] != 0]
    if result["finished"] != args.runs or not result["ledger_sound"] or bad:
        print("bad: " + ", ".join(bad or ["finished or ledger"]), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
