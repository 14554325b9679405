"""Fiat-Shamir: challenges from messages. docs/protocol/transcript.md."""

import struct

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
        key, records = self.key, bytes(self.records)
        self.key = blake3.keyed(key, records, 32)
        self.records = bytearray()
        return self._words(key, records)

    @staticmethod
    def _words(key, records):
        start, size = 32, 96
        while True:
            output = blake3.keyed(key, records, size)
            for offset in range(start, size, 8):
                yield struct.unpack_from("<Q", output, offset)[0]
            start, size = size, 4 * size

    def challenge(self, label):
        words = self._draw(label, self.kind, b"")
        limbs = []
        while len(limbs) < self.ext.degree:
            word = next(words)
            if word < P:
                limbs.append(word)
        return self.ext(tuple(limbs))

    def columns(self, label, n, count):
        words = self._draw(label, "columns", struct.pack("<QQ", n, count))
        drawn = set()
        while len(drawn) < count:
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
