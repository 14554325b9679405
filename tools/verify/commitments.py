"""Merkle trees over columns and Reed-Solomon words. docs/protocol/commitments.md."""

import struct

from . import blake3
from .field import P, GENERATOR, root_of_unity

LEAF_KEY = blake3.hash_bytes(b"dsperse leaf v1")
NODE_KEY = blake3.hash_bytes(b"dsperse node v1")


def leaf(salt, column):
    body = salt + struct.pack("<Q", len(column)) + bytes(24) + struct.pack(f"<{len(column)}Q", *column)
    return blake3.keyed(LEAF_KEY, body + bytes(-len(body) % 64))


def node(left, right):
    return blake3.keyed(NODE_KEY, left + right)


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
    level = {i: leaf(salt, column) for i, column, salt in zip(indices, columns, salts)}
    siblings = iter(path)
    for _ in range(log_n):
        above = {}
        for i in sorted(level):
            if i >> 1 in above:
                continue
            sibling = level[i ^ 1] if i ^ 1 in level else next(siblings)
            above[i >> 1] = node(sibling, level[i]) if i & 1 else node(level[i], sibling)
        level = above
    return level[0]


def evaluate_word(coefficients, log_n, indices):
    """Enc(u)_j at the given columns: u, elements of E in order of powers, at x_j = 7 w_n^j. A list of elements of E."""
    ext = type(coefficients[0])
    limbs = list(zip(*(c.limbs for c in coefficients)))
    w = root_of_unity(log_n)
    word = []
    for j in indices:
        x = GENERATOR * pow(w, j, P) % P
        powers = [1]
        for _ in range(len(coefficients) - 1):
            powers.append(powers[-1] * x % P)
        word.append(ext(tuple(sum(map(int.__mul__, limb, powers)) % P for limb in limbs)))
    return word
