#!/usr/bin/env python3
"""What a recursive opening would bring: proof bytes and prover time of slice proofs, opened once as today or again and again.

    bench/recursion.py [--more 0.25] [--encode NS] [--weights N --witness N --prove SECONDS]

Today a group's proof holds u (k elements of E) and t columns of its rows. A recursive opening commits u once more as a matrix of its
own, with rows that are shorter and a rate that is lower, and shows by a sumcheck that the t values of u's code word and <eq, u> = v
are what the first level says (the step of Ligero that Ligerito and WHIR iterate). u is uniform already, so no further level needs pads
or salts. The search goes over the codes of up to three levels of every group and keeps the least bytes whose extra time is within
--more of the prove time. Standard library only; docs/design/0019-recursion.md quotes its table.
"""
import argparse
import math
from functools import lru_cache

DEGREE, DIGEST, SALT, WORD = 2, 32, 32, 8
BITS = 100 + 5 - 12  # profile, slack of one slice, proof of work
MESSAGES = 12_000  # padded messages of a schedule and the end tree: measured on LeNet-5, grows with the logarithm of the slice

# name, weight symbols, witness symbols (boundaries included), seconds to prove: bench/results
MODELS = [("lenet5", 61_706, 54_272, 0.0077), ("doom", 418_000, 120_000, 0.0147), ("vgg16_cifar", 15_245_130, 1_228_800, 0.159)]


@lru_cache(None)
def queries(k, n, bits=BITS):
    return math.ceil(bits / (1 - math.log2(1 + k / n)))


@lru_cache(None)
def path_bytes(t, log_n):
    """Expected digests of a multi-path for t random leaves."""
    total = 0.0
    for level in range(log_n, 0, -1):
        nodes = 2.0**level
        known = 1 - (1 - 1 / nodes) ** t
        total += nodes * known * (1 - known)
    return DIGEST * total


def seconds(rows, log_n, log_k, encode):
    """Encoding and hashing `rows` rows: `encode` ns an encoded symbol at 2^14 columns, more with longer transforms."""
    return rows * 2**log_n * encode * (1 + 0.06 * max(0, log_n - 14)) * 1e-9 + 2**log_n * 60e-9


@lru_cache(None)
def plain(symbols, masks, pads, encode):
    """All (bytes, seconds, k) of one level for that many symbols: u is sent; `pads` openings are provided for."""
    out = []
    for c in range(5, 21):
        for log_n in range(c + 1, c + 6):
            k = 2**c + (queries(2**c, 2**log_n) + 20) * pads
            if k > 2**log_n / 2:
                continue
            t, rows = queries(k, 2**log_n), math.ceil(symbols / 2**c) + masks
            if t >= 2**log_n:
                continue
            columns = t * (WORD * rows + (SALT if pads else 0)) + path_bytes(t, log_n)
            out.append((columns, WORD * DEGREE * k, seconds(rows, log_n, c, encode), k, t))
    return out


@lru_cache(None)
def inner(symbols, depth, encode):
    """Cheapest (bytes, seconds) pairs to open a vector of E that is public in distribution, no dearer pair kept."""
    found = []
    for columns, u, time, k, t in plain(symbols, 0, 0, encode):
        found.append((columns + u, time))
        if depth > 1:
            found += [(columns + b + rounds(k), time + s + functional(k, t)) for b, s in inner(DEGREE * k, depth - 1, encode)]
    return pareto(found)


def rounds(k):
    return 2 * WORD * DEGREE * math.ceil(math.log2(k)) + DIGEST + WORD * DEGREE


def functional(k, t):
    """Building sum_j gamma^j (1, x_j, x_j^2, ...) on k entries and k-entry sumchecks: 2 ns a multiplication of E."""
    return (k * (math.log2(k) + 2) + 6 * k) * 2e-9


def pareto(points):
    out = []
    for b, s in sorted(points):
        if not out or s < out[-1][1]:
            out.append((b, s))
    return tuple(out)


@lru_cache(None)
def group(symbols, budget, depth, encode):
    found = []
    for columns, u, time, k, t in plain(symbols, DEGREE, budget, encode):
        found.append((columns + u, time))
        if depth > 1:
            found += [(columns + b + rounds(k), time + s + functional(k, t)) for b, s in inner(DEGREE * k, depth - 1, encode)]
    return pareto(found)


def both(weights, witness, depth, encode):
    """Weights are committed once a key, so only the levels above the first count as time; the witness is committed every time."""
    w = [(b, s) for b, s in group(weights, 16, depth, encode)]
    base = min(s for _, s in w)
    return pareto((a + b + MESSAGES, s - base + z) for a, s in w for b, z in group(witness, 1, depth, encode))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--more", type=float, default=0.25)
    parser.add_argument("--encode", type=float, default=3.2, help="ns an encoded symbol, hashing included (commit_bench)")
    parser.add_argument("--weights", type=int)
    parser.add_argument("--witness", type=int)
    parser.add_argument("--prove", type=float)
    args = parser.parse_args()
    models = [("given", args.weights, args.witness, args.prove)] if args.weights else MODELS
    print("model          levels  proof kB at no more time   at +%d %% time   least at any time" % round(100 * args.more))
    for name, weights, witness, prove in models:
        reference = None
        for depth in (1, 2, 3):
            points = both(weights, witness, depth, args.encode)
            # The geometry of today: bytes and time weighed as solve_geometry does, 25 ns a byte.
            if reference is None:
                reference = min(points, key=lambda p: p[0] * 25e-9 + p[1])
            within = [b for b, s in points if s <= reference[1]]
            more = [b for b, s in points if s <= reference[1] + args.more * prove]
            print(f"{name:14} {depth:6} {min(within) / 1e3 if within else float('nan'):26.0f} {min(more) / 1e3:14.0f} {min(b for b, _ in points) / 1e3:19.0f}")


if __name__ == "__main__":
    main()
