"""Fiat-Shamir: challenges from messages. docs/protocol/transcript.md."""

import struct
from itertools import count

from . import blake3
from .field import P

ABSORB, DRAW = 1, 2


class Transcript:
    """Records of absorbed messages since the last draw, hashed under a key that stands for everything before it."""

    def __init__(self, domain, ext):
        self.ext = ext
        self.kind = f"E{ext.degree}"
        self.key = blake3.hash_tagged("dsperse transcript v2", domain.encode())
        self.records = bytearray()

    def _record(self, tag, label, kind, data):
        self.records += struct.pack("<BQQQ", tag, len(label), len(kind), len(data)) + label.encode() + kind.encode() + data

    def absorb(self, label, kind, data):
        self._record(ABSORB, label, kind, data)

    def absorb_ext(self, label, elements):
        self.absorb(label, self.kind, b"".join(struct.pack("<Q", limb) for e in elements for limb in e.limbs))

    def _draw(self, label, kind, data):
        """Appends the record, renews the key, and gives an endless stream of words."""
        self._record(DRAW, label, kind, data)
        output = blake3.keyed_output(self.key, bytes(self.records))
        first = output.root_blocks(0)[0]
        self.key = first[:32]
        self.records = bytearray()
        return self._words(first[32:], output)

    @staticmethod
    def _words(data, output):
        for block in count(1):
            yield from struct.unpack(f"<{len(data) // 8}Q", data)
            data = output.root_blocks(block)[0]

    def challenge(self, label):
        words = self._draw(label, self.kind, b"")
        limbs = []
        while len(limbs) < self.ext.degree:
            word = next(words)
            if word < P:
                limbs.append(word)
        return self.ext(tuple(limbs))

    def columns(self, label, n, wanted):
        words = self._draw(label, "columns", struct.pack("<QQ", n, wanted))
        drawn = set()
        while len(drawn) < wanted:
            drawn.add(next(words) % n)
        return sorted(drawn)

    def work(self, label, bits, nonce):
        """Whether the nonce is good; it is absorbed all the same."""
        if bits == 0:
            return nonce == 0
        words = self._draw(label, "work", struct.pack("<B", bits))
        seed = b"".join(struct.pack("<Q", next(words)) for _ in range(4))
        self.absorb(label, "nonce", struct.pack("<Q", nonce))
        if nonce >= 1 << 48:
            return False
        value, = struct.unpack("<Q", blake3.seed_stream_block(seed, "work", 0, nonce)[:8])
        return value & ((1 << bits) - 1) == 0
