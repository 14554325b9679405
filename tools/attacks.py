#!/usr/bin/env python3
"""Adds up what the attack tests wrote (tests/soundness/tally.h), prints a table and writes attacks.json.

usage: attacks.py TALLY_FOLDER OUT.json

Exit 1 if an attack survived, a known id has no attack, a rule of the verifier is dead, or nothing was attacked at all.
"""

import collections
import json
import pathlib
import sys


def read(folder):
    for path in sorted(pathlib.Path(folder).glob("*.jsonl")):
        for line in path.read_text().splitlines():
            yield json.loads(line)


def summarize(lines):
    """The document of attacks.json from the tally's lines."""
    known = collections.defaultdict(set)
    tried = collections.defaultdict(lambda: collections.defaultdict(int))
    survivors, dead, counts = [], set(), collections.defaultdict(int)
    for line in lines:
        if "known" in line:
            known[line["known"]].add((line["id"], line["bits"]))
        elif "attacked" in line:
            key = (line["id"], line["bits"])
            tried[line["attacked"]][key] += line["tried"]
            if line["survived"]:
                survivors.append({"kind": line["attacked"], "id": key[0], "bits": key[1], "count": line["survived"]})
        elif "dead" in line:
            dead.add(line["dead"])
        else:  # {"count": name, "value": n}: fuzz executions and the like
            counts[line["count"]] += line["value"]
    unattacked = [
        {"kind": kind, "id": i, "bits": bits}
        for kind, ids in sorted(known.items())
        for i, bits in sorted(ids)
        if not any(t for (other, b), t in tried[kind].items() if other == i and b in (bits, 0))
    ]
    kinds = {
        kind: {
            "ids": len({i for i, _ in known[kind]} | {i for i, _ in tried[kind]}),
            "attacks": sum(tried[kind].values()),
            "survivors": sum(s["count"] for s in survivors if s["kind"] == kind),
            "unattacked": sum(u["kind"] == kind for u in unattacked),
        }
        for kind in sorted(set(known) | set(tried))
    }
    return {
        "survivors": sum(s["count"] for s in survivors),
        "unattacked": len(unattacked),
        "dead_checks": len(dead),
        "attacks": sum(k["attacks"] for k in kinds.values()),
        "constraints": kinds.get("constraint", {}).get("ids", 0),
        "revealed_classes": kinds.get("revealed", {}).get("ids", 0),
        "fuzz_executions": counts.get("fuzz executions", 0),
        "kinds": kinds,
        "counts": dict(sorted(counts.items())),
        "lists": {"survivors": survivors, "unattacked": unattacked, "dead_checks": sorted(dead)},
    }


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    out = summarize(read(sys.argv[1]))
    pathlib.Path(sys.argv[2]).write_text(json.dumps(out, indent=1) + "\n")
    row = "{:<14}{:>8}{:>12}{:>12}{:>12}"
    print(row.format("kind", "ids", "attacks", "survivors", "unattacked"))
    for kind, k in out["kinds"].items():
        print(row.format(kind, k["ids"], k["attacks"], k["survivors"], k["unattacked"]))
    for name, value in out["counts"].items():
        print(f"{name}: {value}")
    print(f"survivors {out['survivors']}, unattacked {out['unattacked']}, dead checks {out['dead_checks']}")
    for what, entries in out["lists"].items():
        for entry in entries:
            print(f"  {what}: {entry}")
    if out["survivors"] or out["unattacked"] or out["dead_checks"] or not out["attacks"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
