"""Sumchecks with hidden rounds: two messages a round, g(0) and g(2). docs/protocol/sumcheck.md."""

from .field import P, inverse
from .verdict import Rejected

HALF = inverse(2)
assert HALF * 2 % P == 1


def interpolate(g0, g1, g2, x):
    """The quadratic through (0, g0), (1, g1), (2, g2) at x, linear in the three forms."""
    return g0 * ((x - 1) * (x - 2) * HALF) + g1 * (x * (2 - x)) + g2 * (x * (x - 1) * HALF)


def sumcheck(party, hide, label, claim, variables):
    """claim = sum over {0,1}^variables; `hide` takes a message. The point, and the form of the summand there."""
    point = []
    for _ in range(variables):
        g0, g2 = hide(label), hide(label)
        x = party.challenge("x")
        claim = interpolate(g0, claim - g0, g2, x)
        point.append(x)
    return point, claim


def eq_sumcheck(party, label, claim, at):
    """claim = sum over x of eq(at, x) h(x); messages are h's, without the eq factor. The form is h's at the point."""
    point = []
    for p in at:
        if p.is_zero():
            raise Rejected("degenerate challenge")
        h0, h2 = party.hide(label), party.hide(label)
        h1 = (claim - h0 * (1 - p)) * p.inverse()  # claim = (1 - p) h(0) + p h(1)
        x = party.challenge("x")
        claim = interpolate(h0, h1, h2, x)
        point.append(x)
    return point, claim
