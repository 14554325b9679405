"""How verification ends, when it does not end well.

`Rejected` is a verdict: the certificate does not show what was asked for. The others are errors of the call: docs/formats/exit-codes.md.
"""


class Rejected(Exception):
    """A reason, and where: "slice 2 > weight ranges"."""

    def __init__(self, reason, where=""):
        super().__init__(reason)
        self.reason = reason
        self.where = where

    def inside(self, place):
        """The same rejection, seen from one level further out."""
        return Rejected(self.reason, f"{place} > {self.where}" if self.where else place)


class BadInput(Exception):
    """A file or value is malformed (exit code 3)."""


class Unsupported(Exception):
    """Well-formed, but outside of what dsperse does (exit code 4)."""

    def __init__(self, what, where=""):
        super().__init__(what)
        self.what = what
        self.where = where


class Usage(Exception):
    """The call itself is wrong (exit code 2)."""


def require(condition, reason, where=""):
    if not condition:
        raise Rejected(reason, where)


def well_formed(condition, what):
    if not condition:
        raise BadInput(what)
