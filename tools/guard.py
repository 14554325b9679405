#!/usr/bin/env python3
"""Counts the instructions of fixed pieces of work under callgrind and fails where one takes over 5 % more than the kept count.

    tools/guard.py build/release            compares with tools/guard.json
    tools/guard.py build/release --renew    writes tools/guard.json

Counts do not depend on how busy the machine is. callgrind knows no AVX-512, so they are those of the AVX2 kernels. Another compiler
moves them by a few per cent: its name stands beside the counts. Standard library only. Tested by tools/guard_test.py.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

LIMIT = 0.05
BASELINE = pathlib.Path(__file__).parent / "guard.json"
COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")
RENEW = "tools/guard.py BUILD_FOLDER --renew, and say in the commit why it is worth it"


def collected(text):
    """The count in callgrind's closing lines; None if it counted nothing."""
    found = COLLECTED.search(text)
    return int(found.group(1)) or None if found else None


def count(program, case):
    env = {**os.environ, "DSPERSE_KERNEL": "avx2", "LD_BIND_NOW": "1", "LC_ALL": "C"}
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no",
                           "--toggle-collect=guard_measured", program, case], env=env, capture_output=True, text=True)
    instructions = collected(done.stderr)
    if done.returncode != 0 or instructions is None:
        raise SystemExit(f"guard: case {case} could not be counted:\n{done.stderr}")
    return instructions


def compare(kept, counted, compiler):
    """(lines for people, how many cases fail). kept: the baseline file's document."""
    lines, failed = [f"{'case':<16}{'instructions':>16}{'kept':>16}{'change':>9}"], 0
    other = compiler != kept["compiler"]
    for case in sorted(set(counted) | set(kept["instructions"])):
        new, old = counted.get(case), kept["instructions"].get(case)
        change = "" if None in (new, old) else f"{100 * (new / old - 1):+.2f} %"
        verdict = ""
        if old is None:
            verdict, failed = "  not in the baseline", failed + 1
        elif new is None:
            verdict, failed = "  gone", failed + 1
        elif new > old * (1 + LIMIT):
            verdict, failed = f"  more than {100 * LIMIT:.0f} % dearer", failed + 1
        elif new < old * (1 - LIMIT):
            verdict = "  cheaper: renew the baseline, so that it stays so"
        lines.append(f"{case:<16}{new if new is not None else '-':>16}{old if old is not None else '-':>16}{change:>9}{verdict}")
    if other:
        lines.append(f"guard: compiled by {compiler}, the baseline by {kept['compiler']}: a few per cent of change may be the compiler's")
    if failed:
        lines.append(f"guard: {failed} case(s) fail. Profile the case (callgrind_annotate) and make it cheaper; "
                     f"if the cost is wanted: {RENEW}")
    return lines, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--renew", action="store_true")
    args = parser.parse_args()
    program = args.folder / "dsperse_guard"
    if not program.exists():
        raise SystemExit(f"guard: {program} is not there; `make guard` builds it")
    if shutil.which("valgrind") is None:
        raise SystemExit("guard: valgrind is not installed; `tools/setup.sh measure` installs it")
    ask = lambda word: subprocess.run([program, word], check=True, capture_output=True, text=True).stdout.split("\n")[:-1]
    compiler = ask("compiler")[0]
    counted = {case: count(program, case) for case in ask("list")}
    if args.renew:
        BASELINE.write_text(json.dumps({"compiler": compiler, "instructions": counted}, indent=1) + "\n")
        print(f"guard: wrote {BASELINE.name}")
        return 0
    lines, failed = compare(json.loads(BASELINE.read_text()), counted, compiler)
    print("\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
