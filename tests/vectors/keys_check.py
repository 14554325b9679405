#!/usr/bin/env python3
"""Keys with random changes, read by C++ and by Python: both accept or both refuse.

    tests/vectors/keys_check.py build/release/dsperse [CASES [SEED]]

The keys of this folder and of tests/hostile, each with CASES (default 300) seeded changes: bytes, words, spans moved, doubled or cut
out. C++ is `dsperse key show`; what it prints must be printable, whatever the names in the key have become. Standard library alone;
exit code 0 if they agree.
"""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))

from verify.keys import decode_key  # noqa: E402
from verify.verdict import BadInput, Rejected, visible  # noqa: E402


def changed(data, draw):
    """`data` with one to three changes."""
    data = bytearray(data)
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        at, kind = draw.randrange(len(data)), draw.randrange(7)
        if kind == 0:
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[at] = draw.choice([0, 1, 2, 3, 127, 128, 255, (data[at] + 1) % 256, (data[at] - 1) % 256])
        elif kind == 2:  # a word, most numbers of the format being one
            width = draw.choice([2, 4, 8])
            word = draw.choice([0, 1, 2**(8 * width) - 1, 2**(8 * width - 1), 2**31, 2**25 + 1, draw.randrange(64)])
            data[at:at + width] = (word % 2**(8 * width)).to_bytes(width, "little")
        elif kind == 3:
            del data[at:at + draw.choice([1, 4, 8, 32])]
        elif kind == 4:
            data[at:at] = data[at:at + draw.choice([1, 4, 8, 32])]
        elif kind == 5:
            other = draw.randrange(len(data))
            data[at:at + 8] = data[other:other + 8]
        else:
            del data[at:]
        if not data:
            data = bytearray(1)
    return bytes(data)


def python_says(data):
    """None if the key is accepted, else why not."""
    try:
        decode_key(data)
        return None
    except (Rejected, BadInput) as no:
        return visible(str(no)) or "refused"


def main():
    dsperse, cases, seed = sys.argv[1], int((sys.argv[2:] or [300])[0]), int((sys.argv[3:] or [1])[0])
    kept = sorted([*HERE.glob("*.dsk"), *(HERE.parent / "hostile/corpus/key").iterdir()])
    differ, accepted, refused = [], 0, 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        env = {**os.environ, "DSPERSE_STATE_DIR": folder + "/state", "NO_COLOR": "1"}

        def cpp_says(named):
            name, data = named
            path = pathlib.Path(folder) / name
            path.write_bytes(data)
            done = subprocess.run([dsperse, "key", "show", path], env=env, capture_output=True)
            path.unlink()
            if done.returncode not in (0, 3, 4):
                raise SystemExit(f"dsperse ended with {done.returncode} on {name}: {done.stderr}")
            text = (done.stdout + done.stderr).decode("utf-8", "surrogateescape")
            if not all(c == "\n" or c.isprintable() for c in text):
                raise SystemExit(f"dsperse shows {name} unprintably: {done.stdout + done.stderr}")
            return None if done.returncode == 0 else text.strip()

        subjects = []
        for path in kept:
            data, draw = path.read_bytes(), random.Random(f"{seed} {path.name}")
            subjects += [(f"{path.name}.{i}", changed(data, draw) if i else data) for i in range(cases)]
        for (name, data), cpp in zip(subjects, pool.map(cpp_says, subjects)):
            python = python_says(data)
            accepted, refused = accepted + (cpp is None), refused + (cpp is not None)
            if (python is None) != (cpp is None):
                differ.append(f"{name} (seed {seed}): Python {python or 'accepts'!r}, C++ {cpp or 'accepts'!r}")
    print(f"{len(kept)} keys, {accepted + refused} files: {accepted} accepted and {refused} refused by C++; {len(differ)} differ")
    for line in differ[:20]:
        print(line)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
