"""Results of a run as JSON lines: one line a finished step, so that a stopped run goes on and keeps what it has.

The first line says what the run is of (mode, machine, digest of the programs); a file of another run is begun anew. Standard library
only. Tested by bench/suite_test.py.
"""
import hashlib
import json
import sys
import time


def digest(paths):
    """Of the programs that are measured: other programs, other results."""
    h = hashlib.sha256()
    for path in sorted(paths):
        h.update(path.name.encode() + b"\0" + path.read_bytes())
    return h.hexdigest()[:16]


class Steps:
    def __init__(self, path, about, fresh=False):
        self.path, self.about, self.done = path, about, {}
        lines = self._lines() if path.exists() and not fresh else []
        if lines and lines[0].get("about") == about:
            self.done = {line["step"]: line["data"] for line in lines[1:]}
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"about": about}) + "\n")

    def _lines(self):
        """Whole lines; one that was cut by a kill is dropped with what follows."""
        lines = []
        for text in self.path.read_text().split("\n")[:-1]:
            try:
                lines.append(json.loads(text))
            except ValueError:
                break
        if lines:
            self.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return lines

    def forget(self, *prefixes):
        """These steps are done again."""
        self.done = {name: data for name, data in self.done.items() if not name.startswith(prefixes)}
        self.path.write_text("".join(json.dumps(line) + "\n" for line in
                                     [{"about": self.about}, *({"step": n, "data": d} for n, d in self.done.items())]))

    def step(self, name, work):
        """work() unless its result is there. Its data is written before the next step starts."""
        if name not in self.done:
            started = time.monotonic()
            print(f"bench: {name} ...", end="", file=sys.stderr, flush=True)
            data = work()
            with self.path.open("a") as out:
                out.write(json.dumps({"step": name, "data": data}) + "\n")
            self.done[name] = data
            print(f" {time.monotonic() - started:.1f} s", file=sys.stderr)
        return self.done[name]
