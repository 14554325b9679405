#!/usr/bin/env python3
"""Fails if dsperse_verifier links a target that tools/rooms.txt does not list, or if its archives need threads, files or sockets.

   check_verifier.py CLOSURE NM     CLOSURE: lines "target archive", written by cmake/checks.cmake
Standard library only. Tested by tools/checks_test.py.
"""

import pathlib
import re
import subprocess
import sys

from check_rooms import Rules

FORBIDDEN = re.compile(
    r"^(pthread_\w+|thrd_\w+|f?open(64)?|openat(64)?|creat|fopen(64)?|read|write|mmap(64)?|socket|connect|accept|getrandom|getentropy"
    r"|fork|execv\w*|posix_spawn\w*|system|abort|exit"
    r"|std::thread::.*|std::(__cxx11::)?basic_[io]?f(ile)?stream.*|std::basic_filebuf.*|std::filesystem::.*|std::condition_variable.*"
    r"|std::random_device.*|google::protobuf::.*)$"
)


def forbidden_symbols(nm_output):
    """Undefined symbols of `nm --undefined-only --demangle` that a verifier must not need."""
    names = {line.split(" U ", 1)[1].strip() for line in nm_output.splitlines() if " U " in line}
    return sorted(n for n in names if FORBIDDEN.match(n.split("@")[0]))


def main(closure, nm):
    root = pathlib.Path(__file__).resolve().parent.parent
    allowed = Rules((root / "tools/rooms.txt").read_text()).verifier
    bad, archives = [], []
    for line in pathlib.Path(closure).read_text().splitlines():
        target, _, archive = line.partition(" ")
        if target not in allowed:
            bad.append(f"dsperse_verifier links {target}, which tools/rooms.txt does not allow")
        elif archive != "-":
            archives.append(archive)
    for archive in archives:
        if not pathlib.Path(archive).is_file():
            bad.append(f"{archive} is not built")
            continue
        out = subprocess.run([nm, "--undefined-only", "--demangle", archive], check=True, capture_output=True, text=True).stdout
        bad += [f"{pathlib.Path(archive).name} needs {symbol}" for symbol in forbidden_symbols(out)]
    print("\n".join(bad) if bad else f"check_verifier: {len(archives)} archives, none needs threads, files, sockets or randomness")
    return 1 if bad or not archives else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
