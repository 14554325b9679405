"""Takes a certificate apart and puts it together again (docs/formats/dscert.md), so that tests can forge one."""

import struct


class Certificate:
    def __init__(self, data, chunks):
        self.data, self.at = data, 0
        self.head = self.take(8 + 32)
        self.nonce = self.take(struct.unpack("<I", self.take(4))[0])
        self.salt = self.take(32)
        self.table = [self.boundary() for _ in range(chunks)]
        self.slices = [self.slice() for _ in range(self.u32())]
        assert self.at == len(data), "bytes after the certificate's end"

    def take(self, n):
        self.at += n
        assert self.at <= len(self.data), "truncated certificate"
        return self.data[self.at - n : self.at]

    def u32(self):
        return struct.unpack("<I", self.take(4))[0]

    def boundary(self):
        start = self.at
        self.take(4)
        if self.take(1) == b"\1":
            self.take(32)
        else:
            self.take(4 * self.u32())
        return self.data[start : self.at]

    def slice(self):
        """Of a slice with weights: (head before the proof, proof)."""
        start = self.at
        self.take(4 + 32 + 4)
        for _ in range(self.u32()):
            self.take(72)
            self.take(self.u32())
        head = self.data[start : self.at]
        return head, self.take(self.u32())

    def encode(self):
        out = self.head + struct.pack("<I", len(self.nonce)) + self.nonce + self.salt + b"".join(self.table)
        out += struct.pack("<I", len(self.slices))
        return out + b"".join(head + struct.pack("<I", len(proof)) + proof for head, proof in self.slices)
