"""Profiles, geometries and the budget. docs/protocol/parameters.md."""

import math
from dataclasses import dataclass

MIN_SLACK, MAX_SLACK, MAX_WORK = 5, 32, 20
WEIGHT_OPENINGS, BOUNDARY_OPENINGS = 16, 6
MIN_C, MAX_C, MAX_LOG_N = 4, 16, 20
DEGREE = {100: 2, 128: 3}
TABLE_WIDTH = 3


@dataclass(frozen=True)
class Geometry:
    """Rows of 2^c data and r pads, codewords of length 2^log_n, t queries."""
    c: int
    r: int
    log_n: int
    t: int

    @property
    def k(self):
        return (1 << self.c) + self.r

    @property
    def n(self):
        return 1 << self.log_n


@dataclass(frozen=True)
class Security:
    """Bits of the profile; bits that queries have beyond it; bits of each proof of work."""
    profile: int
    slack: int
    work: int

    @property
    def degree(self):
        return DEGREE[self.profile]


def least_slack(slices):
    return MIN_SLACK + (slices - 1).bit_length()


def enough_queries(security, g):
    """((1 + k / n) / 2)^t <= 2^-(bits + slack - work), in integers."""
    want = security.profile + security.slack - security.work
    return (g.n + g.k) ** g.t << want <= (2 * g.n) ** g.t


def sound_geometry(security, g, openings):
    """The rule that a key must satisfy, whoever made it."""
    if not MIN_C <= g.c <= MAX_C or g.log_n > MAX_LOG_N or g.r > g.n or g.k > g.n // 2 or g.r < g.t * openings:
        return False
    return enough_queries(security, g)


def query_bits(g):
    return g.t * math.log2(2.0 / (1.0 + g.k / g.n))


def weakest_round(layout, work, lookups, checks):
    """Bits of the worst line of the budget. lookups: with table rows, 0 for none; checks: how many are folded."""
    field = 64.0 * layout.degree
    errors = [2, checks, layout.end.n + 1]  # numerators over |E|
    if lookups:
        errors.append(lookups * (TABLE_WIDTH + 2) / 2**work)
    errors += [max(2, g.geometry.n) for g in layout.groups if g.variables > g.geometry.c]
    return min([field - math.log2(error) for error in errors]
               + [work + query_bits(geometry) for geometry in [*(g.geometry for g in layout.groups), layout.end]])
