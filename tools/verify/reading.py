"""Little-endian bytes, read with limits. docs/formats/README.md."""

import struct

from .verdict import BadInput, well_formed


class Reader:
    def __init__(self, data, what):
        self.data = data
        self.at = 0
        self.what = what

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        well_formed(self.left() >= count, f"{self.what}: truncated")
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
        well_formed(value <= 1, f"{self.what}: a flag is 0 or 1")
        return value == 1

    def count(self, limit, name):
        value = self.u32()
        well_formed(value <= limit, f"{self.what}: too many {name}")
        return value

    def listed(self, limit, name, entry):
        return [entry() for _ in range(self.count(limit, name))]

    def bytes(self, limit):
        return self.take(self.count(limit, "bytes"))

    def text(self, limit=4096):
        try:
            return self.bytes(limit).decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadInput(f"{self.what}: text is not UTF-8") from error

    def magic(self, magic):
        well_formed(self.left() >= len(magic) and self.take(len(magic)) == magic, f"{self.what}: not a {magic.decode()} file")

    def end(self):
        well_formed(self.left() == 0, f"{self.what}: trailing bytes")
