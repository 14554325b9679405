#!/usr/bin/env python3
"""Fails on an include that tools/rooms.txt does not allow.

Reads every #include of src/dsperse: between rooms, of foreign libraries (each stays in its room), of test-only headers.
Standard library only. Tested by tools/checks_test.py.
"""

import fnmatch
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TEST_FILE = re.compile(r"(_test\.cc|_bench\.cc|_fuzz\.cc)$|(^|/)testing/")


class Rules:
    def __init__(self, text):
        self.rooms, self.foreign, self.test_only, self.verifier = {}, [], set(), set()
        for number, line in enumerate(text.splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            head, _, tail = line.partition(":")
            kind, _, name = head.partition(" ")
            words = tail.split()
            if kind == "room":
                self.rooms[name] = words
            elif kind == "foreign":
                self.foreign.append((name, words))
            elif kind == "test-only":
                self.test_only.update(words)
            elif kind == "verifier":
                self.verifier.update(words)
            else:
                raise SystemExit(f"rooms.txt:{number}: unknown line: {line}")

    def room_of(self, path):
        """The longest known room that holds `path` (relative to src/dsperse), or None."""
        parts = path.split("/")[:-1]
        while parts:
            if "/".join(parts) in self.rooms:
                return "/".join(parts)
            parts.pop()
        return None

    def may(self, room, other):
        if room == other:
            return True
        return any(w == other or (w.endswith("/*") and other.startswith(w[:-1])) for w in self.rooms[room])


def complaints_of(rules, path, text):
    """What is wrong with the includes of one file; `path` is relative to src/dsperse."""
    found = []
    room, is_test = rules.room_of(path), bool(TEST_FILE.search(path))
    if room is None:
        return [f"{path}: no room of rooms.txt holds this file"]
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match.group(2)
        where = f"{path}:{number}"
        if header.startswith("dsperse/"):
            inner = header[len("dsperse/") :]
            other = rules.room_of(inner)
            if other is None:
                found.append(f"{where}: {header} is in no room")
            elif is_test:
                continue
            elif not rules.may(room, other):
                found.append(f"{where}: room {room} may not know room {other} ({header})")
            elif "/testing/" in header:
                found.append(f"{where}: product code includes {header}")
            elif inner in rules.test_only and not path.endswith("prove.cc"):
                found.append(f"{where}: {header} is for tests")
        elif not is_test:
            for prefix, globs in rules.foreign:
                hit = header == prefix or (prefix.endswith("/") and header.startswith(prefix))
                if hit and not any(fnmatch.fnmatch(path, g) for g in globs):
                    found.append(f"{where}: <{header}> belongs to {', '.join(globs)}")
        if match.group(1) == '"' and header.startswith(".."):
            found.append(f"{where}: include by its path from src: {header}")
    return found


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    rules = Rules((root / "tools/rooms.txt").read_text())
    source = root / "src/dsperse"
    files = sorted(f for f in source.rglob("*") if f.suffix in (".h", ".cc", ".c", ".inc"))
    found = [c for f in files for c in complaints_of(rules, str(f.relative_to(source)), f.read_text())]
    for room in rules.rooms:
        if room != "base" and not (source / room).is_dir():
            print(f"note: room {room} does not exist (yet)")
    print("\n".join(found) if found else f"check_rooms: {len(files)} files keep to tools/rooms.txt")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
