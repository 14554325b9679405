#!/usr/bin/env python3
"""Single-operator cases, each imported, run as integers, proved, verified and attacked: docs/conformance.md.

    tools/conformance.py RUNNER OUT.json [--sample N] [--random N] [--seed S] [--only REGEX] [--least N] [--jobs 2] [--seconds 60]
                                         [--memory 4] [--bits 12] [--page docs/conformance.md]

RUNNER is dsperse_conformance. Cases: all of PyPI's onnx (the first time an environment is made beside them; that needs a network),
those of Debian's libonnx-testdata, and N random ones of each operator, whose outputs are ONNX Runtime's. --sample N: every Nth of ONNX's
own, 0: none. --seed: of the random ones; the same seed makes the same cases. --only: names that match. --least: fails if fewer of
PyPI's are proved. --page: renews the tables of that page. A case that ends the runner, takes too long or too much memory has failed,
and costs no other its result.
Exit 1: a case failed, or fewer than --least are proved. 2: the cases cannot be made. Standard library only; tested by
tools/conformance_test.py.
"""
import argparse
import collections
import hashlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "tests" / "conformance"
DEBIAN = Path("/usr/share/libonnx-testdata/data")
STATUS = ("proved", "folded", "declined", "failed")


class Unavailable(Exception):
    """The cases cannot be made; the text says what to do."""


def digest(*files):
    h = hashlib.sha256()
    for f in files:
        h.update(f.read_bytes())
    return h.hexdigest()


def environment(folder):
    """The interpreter of a virtual environment with the packages of requirements.txt."""
    requirements = SOURCE / "requirements.txt"
    python, stamp = folder / "bin" / "python", folder / "requirements.sha256"
    wanted = digest(requirements)
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True, text=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements], check=True,
                       capture_output=True, text=True)
    except subprocess.CalledProcessError as e:
        shutil.rmtree(folder, ignore_errors=True)
        raise Unavailable(f"the packages of {requirements.relative_to(ROOT)} cannot be installed: pip needs the network (or a local "
                          f"index), and venv the package python3-venv\n{(e.stderr or e.stdout).strip()[-600:]}") from e
    stamp.write_text(wanted)
    return python


def onnx_cases(base):
    """Writes the cases below base/cases unless they are there; (name, folder, operator, expanded) of each."""
    folder, stamp = base / "cases", base / "cases.sha256"
    wanted = digest(SOURCE / "requirements.txt", SOURCE / "write_cases.py")
    if not (stamp.exists() and stamp.read_text() == wanted and (folder / "index.json").exists()):
        python = environment(base / "venv")
        stamp.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        done = subprocess.run([python, SOURCE / "write_cases.py", folder], capture_output=True, text=True)
        if done.returncode != 0:
            raise Unavailable(f"the cases cannot be written:\n{done.stderr[-2000:]}")
        stamp.write_text(wanted)
    index = json.loads((folder / "index.json").read_text())
    return [{"name": e["name"], "folder": str(folder / e["name"]), "operator": e["operator"], "expanded": e["expanded"]} for e in index]


def random_cases(base, count, seed, only):
    """Writes random cases below base/random unless they are there."""
    folder, stamp = base / "random", base / "random.sha256"
    sources = [SOURCE / "requirements.txt", SOURCE / "write_random.py", *sorted((SOURCE / "random_cases").glob("*.py"))]
    wanted = f"{digest(*sources)} {count} {seed} {only}"
    if not (stamp.exists() and stamp.read_text() == wanted):
        python = environment(base / "venv")
        stamp.unlink(missing_ok=True)
        done = subprocess.run([python, SOURCE / "write_random.py", folder, "--count", str(count), "--seed", str(seed), "--only", only or ""],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Unavailable(f"the random cases cannot be written:\n{done.stderr[-2000:]}")
        stamp.write_text(wanted)
    return [{**e, "folder": str(folder / e["name"])} for e in json.loads((folder / "index.json").read_text())]


def debian_cases(base=DEBIAN):
    out = []
    for group in ("node", "pytorch-converted", "pytorch-operator", "simple"):
        for model in sorted(base.glob(f"{group}/*/model.onnx")):
            out.append({"name": f"{group}/{model.parent.name}", "folder": str(model.parent), "operator": group, "expanded": False})
    return out


class Runner:
    """One process of dsperse_conformance that takes a folder at a time; made again when a case ended it. It counts its processor time
    itself (SIGPROF); on a busy machine that may take PATIENCE times as long."""

    PATIENCE = 30

    def __init__(self, command, seconds):
        self.command, self.seconds, self.process = command, seconds, None

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        errors="replace")

    def stop(self):
        if self.process is None:
            return
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process = None

    def run(self, folder):
        if self.process is None:
            self.start()
        process, late = self.process, threading.Event()
        timer = threading.Timer(self.PATIENCE * self.seconds, lambda: (late.set(), process.kill()))
        timer.start()
        started = time.monotonic()
        try:
            process.stdin.write(folder + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        timer.cancel()
        if line.endswith("\n"):
            try:
                return {**json.loads(line), "seconds": round(time.monotonic() - started, 3)}
            except ValueError:
                process.kill()
        said = process.communicate()[1].strip().splitlines()
        self.process = None
        if late.is_set() or process.returncode == -signal.SIGPROF:
            reason = f"took more than {self.seconds} s"
        else:
            code = process.returncode
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            reason = f"the process ended ({how})" + (f": {said[-1][:200]}" if said else "")
        return {"status": "failed", "step": "process", "reason": reason, "seconds": round(time.monotonic() - started, 3)}


def run_all(command, cases, jobs, seconds, tell=lambda done, total: None):
    """Results by position."""
    todo, results, lock = queue.SimpleQueue(), [None] * len(cases), threading.Lock()
    for i in range(len(cases)):
        todo.put(i)

    def work():
        runner = Runner(command, seconds)
        while True:
            try:
                i = todo.get_nowait()
            except queue.Empty:
                break
            result = runner.run(cases[i]["folder"])
            result.pop("folder", None)
            result["status"] = {"passed": "proved"}.get(result["status"], result["status"])
            with lock:
                results[i] = {**cases[i], **result}
                results[i].pop("folder", None)
                tell(sum(r is not None for r in results), len(cases))
        runner.stop()

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def group_of(result):
    """A reason without the names that differ from case to case."""
    text = re.split(r" \([^()]*(?:/|node ')", result["reason"])[0]  # the place
    for pattern, by in ((r" \(.*", ""), (r"'[^']*'", "'..'"), (r"\b(output|element|input) \d+", r"\1 n"), (r"-?\d+(\.\d+)?(e[-+]?\d+)?", "n")):
        if not text.startswith(("operator", "opset")):
            text = re.sub(pattern, by, text)
    return f"{result['step']}: {text[:110]}"


def totals(results):
    """Counts; `passed`: all that was asked of a case holds, which includes its proof. Reasons of what is declined or failed."""
    count = collections.Counter(r["status"] for r in results)
    out = {"cases": len(results), "passed": count["proved"], **{s: count[s] for s in STATUS}}
    for status in ("declined", "failed"):
        reasons = collections.Counter(group_of(r) for r in results if r["status"] == status)
        out[status + "_reasons"] = dict(reasons.most_common())
    proved = [r for r in results if r["status"] == "proved"]
    if proved:
        middle = sorted(r["prove_ms"] for r in proved)[len(proved) // 2]
        out["median_prove_ms"] = middle
        out["median_proof_bytes"] = sorted(r["proof_bytes"] for r in proved)[len(proved) // 2]
        out["largest_error_steps"] = max(r["steps"] for r in proved)
    return out


def by_operator(results):
    """operator -> counts and its most frequent reason, most cases first."""
    groups = collections.defaultdict(list)
    for r in results:
        groups[r["operator"]].append(r)
    rows = []
    for name, group in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0])):
        count = collections.Counter(r["status"] for r in group)
        reasons = collections.Counter(group_of(r) for r in group if r["status"] in ("declined", "failed"))
        rows.append({"operator": name, **{s: count[s] for s in STATUS}, "reason": reasons.most_common(1)[0][0] if reasons else ""})
    return rows


def table(rows):
    lines = ["| operator | proved | folded | declined | failed | most frequent reason |", "|---|---|---|---|---|---|"]
    for r in rows:
        reason = r["reason"].replace("|", "\\|")
        lines.append(f"| {r['operator']} | " + " | ".join(str(r[s] or "") for s in STATUS) + f" | {reason} |")
    return "\n".join(lines)


def sums(report):
    """One row for each set of cases that was run."""
    lines = ["| cases | of | proved | folded | declined | failed |", "|---|---|---|---|---|---|"]
    sets = [("PyPI onnx", report), ("Debian libonnx-testdata", report["debian"])]
    if "random" in report:
        sets.append((f"random, {report['random']['count']} an operator, seed {report['random']['seed']}", report["random"]))
    for name, t in sets:
        lines.append(f"| {name} | {t['cases']} | " + " | ".join(str(t[s]) for s in STATUS) + " |")
    return "\n".join(lines)


def renew(text, name, content):
    """The page with the part between two marks replaced."""
    begin, end = f"<!-- {name}: written by tools/conformance.py -->", f"<!-- end of {name} -->"
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no part {name}")
    return f"{head}{begin}\n{content}\n{end}{tail}"


def write_page(page, report):
    text = renew(page.read_text(), "sums", sums(report))
    text = renew(text, "operators", table(report["operators"]))
    if "random" in report:
        text = renew(text, "random", table(report["random"]["operators"]))
    page.write_text(text)


def choose(cases, sample, only):
    cases = [c for c in cases if re.search(only, c["name"])] if only else cases
    return cases[::sample] if sample else []


def parse(words):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("runner", type=Path)
    p.add_argument("out", type=Path)
    p.add_argument("--sample", type=int, default=1)
    p.add_argument("--random", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only")
    p.add_argument("--least", type=int, default=0)
    p.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    p.add_argument("--seconds", type=int, default=60)
    p.add_argument("--memory", type=int, default=4)
    p.add_argument("--bits", type=int, default=12)
    p.add_argument("--page", type=Path)
    return p.parse_args(words)


def main(words):
    args = parse(words)
    base = ROOT / "build" / "conformance"
    started = time.monotonic()
    try:
        ours = choose(onnx_cases(base), args.sample, args.only) if args.sample else []
        drawn = random_cases(base, args.random, args.seed, args.only) if args.random else []
    except Unavailable as e:
        print(e, file=sys.stderr)
        return 2
    theirs = choose(debian_cases(), args.sample, args.only)
    made = time.monotonic() - started
    if not theirs and args.sample and not args.only:
        print(f"no cases below {DEBIAN}: install the package libonnx-testdata", file=sys.stderr)
    command = [str(args.runner.resolve()), "--bits", str(args.bits), "--memory", str(args.memory), "--seconds",
               str(args.seconds)]

    def tell(done, total):
        if sys.stderr.isatty():
            print(f"\r{done}/{total} ", end="", file=sys.stderr)
        elif done % 200 == 0:
            print(f"{done} of {total} cases", file=sys.stderr, flush=True)

    results = run_all(command, ours + theirs + drawn, args.jobs, args.seconds, tell)
    first, second, third = results[: len(ours)], results[len(ours): len(ours) + len(theirs)], results[len(ours) + len(theirs):]
    requirement = re.search(r"^onnx==(.*)$", (SOURCE / "requirements.txt").read_text(), re.MULTILINE)
    report = {"onnx": requirement[1], "bits": args.bits, "sample": args.sample, "seconds": round(time.monotonic() - started - made, 1),
              **totals(first), "debian": totals(second), "operators": by_operator(first), "results": first, "debian_results": second}
    if drawn:
        report["random"] = {"count": args.random, "seed": args.seed, **totals(third), "operators": by_operator(third), "results": third}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=1) + "\n")
    print("\n\n".join([*(table(r["operators"]) for r in (report, report.get("random")) if r and r["operators"]), sums(report)]))
    for r in results:
        if r["status"] == "failed":
            print(f"failed {r['name']}: {r['step']}: {r['reason']}")
    print(f"{report['seconds']} s; {args.out}")
    if args.page:
        write_page(args.page, report)
    failed = sum(r["status"] == "failed" for r in results)
    if report["proved"] < args.least:
        print(f"{report['proved']} are proved, at least {args.least} have to be", file=sys.stderr)
    return 1 if failed or report["proved"] < args.least else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
