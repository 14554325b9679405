#!/usr/bin/env python3
"""Fails on text that must not be in the repository: paths of one machine, open ends, secrets, broken encodings, stray big files.

Patterns are in tools/forbidden.txt. Standard library only. Tested by tools/checks_test.py.
"""

import pathlib
import re
import subprocess
import sys

TEXT = {".h", ".cc", ".c", ".py", ".sh", ".md", ".txt", ".cmake", ".json", ".toml", ".html", ".css", ".js", ".mjs", ".mts", ".proto", ".yml", ""}
LIMIT_BYTES = 1 << 20  # a larger file needs a good reason and a line in tools/forbidden.txt ("large PATH")


def read_patterns(text):
    patterns, large = [], set()
    for line in text.splitlines():
        if line.startswith("large "):
            large.add(line.split(maxsplit=1)[1])
        elif line.strip() and not line.startswith("#"):
            pattern, _, why = line.partition("    ")
            patterns.append((re.compile(pattern), why.strip()))
    return patterns, large


def complaints_of(patterns, name, data):
    """What is wrong with one text file's bytes."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        return [f"{name}: not UTF-8 ({e})"]
    found = []
    if "\r" in text:
        found.append(f"{name}: carriage returns")
    if text and not text.endswith("\n"):
        found.append(f"{name}: no newline at the end")
    if name.endswith((".h", ".cc")) and not text.startswith("//") and name.endswith(".h"):
        found.append(f"{name}:1: a header opens with what it is for")
    for number, line in enumerate(text.splitlines(), 1):
        if name.endswith((".h", ".cc", ".py", ".cmake")) and (line != line.rstrip() or "\t" in line):
            found.append(f"{name}:{number}: tab or space at the end")
        for pattern, why in patterns:
            if pattern.search(line):
                found.append(f"{name}:{number}: {why}: {line.strip()[:100]}")
    return found


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    patterns, large = read_patterns((root / "tools/forbidden.txt").read_text())
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True)
    if listed.returncode != 0:
        print("check_text: not a git checkout, nothing to look at")
        return 0
    found, count = [], 0
    for name in sorted(filter(None, listed.stdout.decode().split("\0"))):
        path = root / name
        if not path.is_file() or path.is_symlink():
            continue
        if path.stat().st_size > LIMIT_BYTES and name not in large:
            found.append(f"{name}: {path.stat().st_size} bytes")
        if path.suffix in TEXT and name != "tools/forbidden.txt":
            count += 1
            found += complaints_of(patterns, name, path.read_bytes())
    print("\n".join(found) if found else f"check_text: {count} text files are clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
