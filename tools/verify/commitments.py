"""Merkle trees over columns and Reed-Solomon words. docs/protocol/commitments.md."""

import struct
from operator import mul

from . import blake3
from .field import P, GENERATOR, root_of_unity

LEAF_KEY = blake3.hash_bytes(b"dsperse leaf v1")
NODE_KEY = blake3.hash_bytes(b"dsperse node v1")
STRIDE = 64


def leaves(salts, columns):
    """The leaf hashes of columns of one height."""
    def body(salt, column):
        data = salt + struct.pack("<Q", len(column)) + bytes(24) + struct.pack(f"<{len(column)}Q", *column)
        return data + bytes(-len(data) % 64)

    return blake3.keyed_each(LEAF_KEY, list(map(body, salts, columns)))


def path_length(log_n, indices):
    """The number of sibling digests that the root needs and that do not follow from the opened leaves."""
    count = 0
    level = set(indices)
    for _ in range(log_n):
        count += sum(1 for i in level if i ^ 1 not in level)
        level = {i >> 1 for i in level}
    return count


def opened_root(log_n, indices, columns, salts, path):
    """The root that an opening leads to: siblings are taken level by level from the leaves, left to right."""
    level = dict(zip(indices, leaves(salts, columns)))
    siblings = iter(path)
    for _ in range(log_n):
        above = {}  # what the nodes above are hashes of
        for i in sorted(level):
            if i >> 1 not in above:
                sibling = level[i ^ 1] if i ^ 1 in level else next(siblings)
                above[i >> 1] = sibling + level[i] if i & 1 else level[i] + sibling
        level = dict(zip(above, blake3.keyed_each(NODE_KEY, list(above.values()))))
    return level[0]


def evaluate_word(coefficients, log_n, indices):
    """Enc(u)_j at the given columns: u, elements of E in order of powers, at x_j = 7 w_n^j. A list of elements of E."""
    ext = type(coefficients[0])
    pieces = [[limb[i:i + STRIDE] for i in range(0, len(limb), STRIDE)] for limb in zip(*(c.limbs for c in coefficients))]
    w = root_of_unity(log_n)
    word = []
    for j in indices:
        x = GENERATOR * pow(w, j, P) % P
        powers = [1]
        for _ in range(STRIDE - 1):
            powers.append(powers[-1] * x % P)
        step, values = powers[-1] * x % P, []
        for limb in pieces:  # Horner's rule, STRIDE coefficients at a time
            value = 0
            for piece in reversed(limb):
                value = (value * step + sum(map(mul, piece, powers))) % P
            values.append(value)
        word.append(ext(tuple(values)))
    return word
