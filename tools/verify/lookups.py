"""The fraction tree of lookups and its leaves. docs/protocol/lookups.md; docs/protocol/relations.md, "Lookups of a slice"."""

from .relation import WIDTH, bits_for
from .sumcheck import eq_sumcheck


def fraction_tree(party, variables, tables):
    """Sum over 2^variables leaves of p / q = tables. The point, and the forms of the leaves' p and q there."""
    p, q, z = party.hide("root p"), party.hide("root q"), party.hide("root 1/q")
    party.check(party.mul(q, z) - party.one())
    party.check(party.mul(p, z) - tables)
    point = []
    for _ in range(variables):
        lam = party.challenge("lambda")
        rest, claim = eq_sumcheck(party, "fraction", p + q * lam, point)
        p0, p1, q0, q1 = (party.hide(label) for label in ("p0", "p1", "q0", "q1"))
        p0_q1, p1_q0, q0_q1 = party.mul(p0, q1), party.mul(p1, q0), party.mul(q0, q1)
        party.check(claim - p0_q1 - p1_q0 - q0_q1 * lam)
        mu = party.challenge("mu")
        p = p0 * (1 - mu) + p1 * mu
        q = q0 * (1 - mu) + q1 * mu
        point = [mu] + rest
    return point, p, q


def leaf_cube(lookups):
    """Blocks (lookup, variables, offset), larger first, equal ones in order of the lookups; and the cube's variables."""
    sizes = [(sum(bits_for(n) for n in lookup.shape), lookup) for lookup in lookups]
    blocks, at = [], 0
    for variables, lookup in sorted(sizes, key=lambda size: -size[0]):  # stable
        blocks.append((lookup, variables, at))
        at += 1 << variables
    return blocks, bits_for(at)


def lookup_counts(lookups):
    """How many pads, slots and checks the lookups of a relation make, products and sacrifice apart."""
    if not lookups:
        return 0, 0, 0
    _, n = leaf_cube(lookups)
    return 3 + sum(2 * k + 4 for k in range(n)), 2 + 3 * n, n + 4


def beta_powers(beta):
    powers = [beta ** 0]
    for _ in range(WIDTH):
        powers.append(powers[-1] * beta)
    return powers
