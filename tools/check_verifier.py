#!/usr/bin/env python3
"""Fails if dsperse_verifier or dsperse_record links a target that tools/rooms.txt does not list, or if their archives need
threads, files, sockets, or throw or catch, abort or assert.

What remains of the C++ library's ways to end a program is listed in LAST_RESORTS with the reason why no input reaches it; any other
is an error.

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
    r"|std::random_device.*|google::protobuf::.*"
    r"|__cxa_(throw|rethrow|allocate_exception|begin_catch|end_catch|bad_cast|bad_typeid|throw_bad_array_new_length)|__gxx_personality_v0"
    r"|_Unwind_Resume|std::terminate\(\)|__assert_fail|__assert|std::__glibcxx_assert_fail.*|_exit|_Exit|quick_exit|raise|longjmp)$"
)
# Library functions that throw (and, with nobody to catch, end the program), and why no input bytes lead there.
LAST_RESORTS = {
    "std::__throw_length_error": "a vector or string beyond 2^63 bytes: lengths are bounded before anything is allocated",
    "std::__throw_bad_alloc": "out of memory: what is asked for is bounded, docs/formats/limits.md",
    "std::__throw_bad_array_new_length": "as above",
    "std::__throw_logic_error": "a std::string made of a null pointer: only of literals and std::string",
    "std::__throw_bad_function_call": "an empty std::function: schedules are always set, callbacks are asked first",
    "std::__throw_out_of_range_fmt": "std::string::replace, substr and the like beyond the end: positions are constants, or were found in the string",
}


def forbidden_symbols(nm_output):
    """Undefined symbols of `nm --undefined-only --demangle` that a verifier must not need."""
    names = {line.split(" U ", 1)[1].strip() for line in nm_output.splitlines() if " U " in line}
    return sorted(n for n in names if FORBIDDEN.match(n.split("@")[0]))


def last_resorts(nm_output):
    """The std::__throw_... functions that the archive names, without their parameters."""
    names = {line.split(" U ", 1)[1].strip().split("(")[0] for line in nm_output.splitlines() if " U " in line}
    return sorted(n for n in names if n.startswith("std::__throw"))


def main(closure, nm):
    root = pathlib.Path(__file__).resolve().parent.parent
    allowed = Rules((root / "tools/rooms.txt").read_text()).verifier
    bad, archives = [], []
    for line in pathlib.Path(closure).read_text().splitlines():
        target, _, archive = line.partition(" ")
        if target not in allowed:
            bad.append(f"the verifier links {target}, which tools/rooms.txt does not allow")
        elif archive != "-":
            archives.append(archive)
    resorts = set()
    for archive in archives:
        if not pathlib.Path(archive).is_file():
            bad.append(f"{archive} is not built")
            continue
        out = subprocess.run([nm, "--undefined-only", "--demangle", archive], check=True, capture_output=True, text=True).stdout
        bad += [f"{pathlib.Path(archive).name} needs {symbol}" for symbol in forbidden_symbols(out)]
        bad += [f"{pathlib.Path(archive).name} needs {s}, which has no reason" for s in last_resorts(out) if s not in LAST_RESORTS]
        resorts |= set(last_resorts(out))
    print(
        "\n".join(bad)
        if bad
        else f"check_verifier: {len(archives)} archives, none needs threads, files, sockets, randomness or exceptions, none aborts; "
        f"unreachable: {', '.join(sorted(resorts)) or 'nothing'}"
    )
    return 1 if bad or not archives else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
