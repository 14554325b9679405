"""How verification ends, when it does not end well.

`Rejected` is a verdict: the certificate does not show what was asked for. Its reasons are docs/formats/verdicts.md. The others are
errors of the call: docs/formats/exit-codes.md.
"""


def visible(text):
    """Names come from the key, so from anybody: what would move a terminal's cursor or hide is shown by its number."""
    def one(c):
        if c.isprintable():
            return c
        code = ord(c)
        return f"\\x{code & 0xFF:02X}" if code < 0x80 or 0xDC80 <= code <= 0xDCFF else f"\\u{{{code:X}}}"
    return "".join(map(one, text))


class Rejected(Exception):
    """A reason, and where: "slice 2 > weight ranges"."""

    def __init__(self, reason, where=""):
        super().__init__(reason)
        self.reason = reason
        self.where = where

    def inside(self, place):
        """The same rejection, seen from one level further out."""
        return Rejected(self.reason, f"{place} > {self.where}" if self.where else place)


class Fault(Exception):
    """Something is wrong with what the verifier was given."""

    def __init__(self, what, where=""):
        super().__init__(f"{what}: {where}" if where else what)
        self.what = what
        self.where = where


class BadInput(Fault):
    """A file or value is malformed (exit code 3)."""


class Unsupported(Fault):
    """Well-formed, but outside of what dsperse does (exit code 4)."""


class Usage(Fault):
    """The call itself is wrong (exit code 2)."""


def require(condition, reason, where=""):
    if not condition:
        raise Rejected(reason, where)


def well_formed(condition, what, where=""):
    if not condition:
        raise BadInput(what, where)


def rule(condition, what, where=""):
    """What a well-formed input keeps to."""
    if not condition:
        raise BadInput(what, where)
