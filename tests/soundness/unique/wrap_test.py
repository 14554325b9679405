#!/usr/bin/env python3
"""The bounds that keep equations from wrapping mod p, in fields so small that a wrap would be found: unique_test.py's search, with a prime
of a few bits, and each bound of the verifier as many bits below it as it is below 2^64.

    tests/soundness/unique/wrap_test.py [SEED]

There must be one witness for each input, as in F; and more than one as soon as the bound on inverse roots is four bits looser, so that the
search is known to see what it looks for. Standard library alone.
"""

import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

import unique_test as unique  # noqa: E402
from search import Search, TooMany  # noqa: E402
from verify import bounds, field, operators, program, program_rules, requantize, row_rules, rows  # noqa: E402

# Bounds of row_rules.py: their text, and how many bits they are below 64.
BOUNDS = (("op.inverse_bits <= 60", 4), ("sum_bits <= 60", 4), ("2 <= op.root_bits <= 60", 4), ("s.half + s.v <= 60", 4),
          ("s.half + s.gap_bits <= 61", 3))
SOURCE = pathlib.Path(row_rules.__file__).read_text().replace("from .", "from verify.")


def prime_below(n):
    while any(n % d == 0 for d in range(2, int(n ** 0.5) + 1)):
        n -= 1
    return n


def take_field(bits, loose=0):
    """The verifier's modules as they would be for a prime just below 2^bits; the bound on roots `loose` bits looser."""
    for module in (field, operators, requantize, rows):
        module.P = prime_below((1 << bits) - 1)
    for module in (bounds, program, program_rules):
        module.ACCUMULATOR_LIMIT = 1 << (bits - 3)
    source = SOURCE
    for text, below in BOUNDS:
        assert source.count(text) == 1, f"row_rules.py has no {text}"
        limit = bits - below + (loose if "root" in text or "gap" in text else 0)
        source = source.replace(text, f"{text[:text.rindex(' ')]} {limit}")
    exec(compile(source, "row_rules.py for a small field", "exec"), row_rules.__dict__)
    program_rules.CHECKS.update(row_rules.ROW_CHECKS)
    for module in (bounds, requantize, rows):
        for name in ("ROW_CHECKS", "row_bound", "row_ranges", "range_shift", "normal_sizes", "softmax_sizes"):
            if hasattr(module, name):
                setattr(module, name, getattr(row_rules, name))


def wrong(rng, kind):
    """Inputs of a program, and how many of them have another output too, or none."""
    p, relation, output = unique.drawn(rng, kind)
    inputs = other = 0
    try:
        for _, _, right, found in unique.outputs(rng, p, relation, output, Search(relation, steps=20000)):
            inputs, other = inputs + 1, other + (found != [right])
    except TooMany:
        pass  # the inputs before count
    return inputs, other


def main():
    seed = sys.argv[1] if len(sys.argv) > 1 else "1"
    failed = False
    for kind in unique.KINDS:
        begin, inputs, other = time.monotonic(), 0, 0
        for bits in (9, 10, 11, 12):
            take_field(bits)
            rng = random.Random(f"{kind.__name__} {bits} {seed}")
            for _ in range(10):
                more, found = wrong(rng, kind)
                inputs, other = inputs + more, other + found
        print(f"{kind.__name__}: {inputs} inputs in small fields, {other} without their one witness, "
              f"{time.monotonic() - begin:.1f} s", flush=True)
        failed = failed or other > 0
    take_field(9, loose=4)
    rng = random.Random(f"loose {seed}")
    other = sum(wrong(rng, unique.normalize)[1] for _ in range(60))
    print(f"normalize with a bound that is too loose: {other} inputs without their one witness")
    return 1 if failed or other == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
