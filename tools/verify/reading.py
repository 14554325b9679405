"""Little-endian bytes, read with limits. docs/formats/README.md.

Whatever does not fit is one error, the reader's `fault`: a count beyond its limit or the bytes that are left, a flag that is
neither 0 nor 1, bytes that are missing or left over.
"""

import struct

from .verdict import well_formed


class Reader:
    def __init__(self, data, fault):
        self.data = data
        self.at = 0
        self.fault = fault

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        well_formed(self.left() >= count, self.fault)
        self.at += count
        return self.data[self.at - count:self.at]

    def _number(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize(code)))[0]

    def u8(self):
        return self._number("B")

    def u32(self):
        return self._number("I")

    def u64(self):
        return self._number("Q")

    def i32(self):
        return self._number("i")

    def i64(self):
        return self._number("q")

    def flag(self):
        value = self.u8()
        well_formed(value <= 1, self.fault)
        return value == 1

    def count(self, limit):
        """Of entries that take a byte or more each."""
        value = self.u32()
        well_formed(value <= min(limit, self.left()), self.fault)
        return value

    def listed(self, limit, entry):
        return [entry() for _ in range(self.count(limit))]

    def bytes(self, limit):
        return self.take(self.count(limit))

    def text(self, limit=4096):
        """Names are compared and hashed as bytes; one that is no UTF-8 keeps its bytes all the same."""
        return self.bytes(limit).decode("utf-8", "surrogateescape")

    def end(self):
        well_formed(self.left() == 0, self.fault)
