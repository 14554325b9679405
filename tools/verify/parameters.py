"""Profiles and geometries. docs/protocol/parameters.md.

Costs are computed in IEEE double precision, in the order in which the page writes them: geometries that a key does not hold must
come out the same for prover and verifier.
"""

import math
from dataclasses import dataclass

SLACK_BITS = 5
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


def queries(profile, rate):
    return math.ceil((profile + SLACK_BITS) / math.log2(2.0 / (1.0 + rate)))


def sound_geometry(profile, g, openings):
    """The rule that a key must satisfy, whoever made it."""
    if not MIN_C <= g.c <= MAX_C or not g.c < g.log_n <= MAX_LOG_N:
        return False
    if not 1 <= g.t <= g.n or g.k > g.n // 2 or g.r < g.t * openings:
        return False
    return g.t >= queries(profile, g.k / g.n)


def query_bits(g):
    return g.t * math.log2(2.0 / (1.0 + g.k / g.n))


def weakest_round(layout, lookups, checks):
    """Bits of the worst line of the budget. lookups: with table rows, 0 for none; checks: how many are folded."""
    field = 64.0 * layout.degree
    errors = [2, checks, layout.end.n + 1]  # numerators over |E|
    if lookups:
        errors.append(lookups * (TABLE_WIDTH + 2))
    errors += [max(2, g.geometry.n) for g in layout.groups if g.variables > g.geometry.c]
    return min([field - math.log2(error) for error in errors]
               + [query_bits(geometry) for geometry in [*(g.geometry for g in layout.groups), layout.end]])


def solve(profile, c_range, symbols, mask_rows, openings):
    """The geometry of least cost; of equals the first, c ascending, then log n."""
    d, best, best_cost = DEGREE[profile], None, None
    for c in c_range:
        kd = float(1 << c)
        for log_n in range(c + 1, MAX_LOG_N + 1):
            n = float(1 << log_n)
            t = queries(profile, kd / n)
            k = kd + t * openings
            while k <= n / 2:
                longer = queries(profile, k / n)
                if longer <= t:
                    break
                t = longer
                k = kd + t * openings
            if k > n / 2 or t > n:
                continue
            rows = math.ceil(symbols / kd) + mask_rows
            path = max(1.0, log_n - math.log2(t) + 1) * 32
            size = 8 * d * k + t * (8 * rows + 32 + path)
            work = rows * n * (0.35 * log_n + 6) + n * 60
            cost = size + 0.05 * work
            if best is None or cost < best_cost:
                best, best_cost = Geometry(c, t * openings, log_n, t), cost
    return best


def solve_geometry(profile, symbols, openings):
    return solve(profile, range(MIN_C, MAX_C + 1), float(symbols), DEGREE[profile], openings)


def solve_end_geometry(profile, variables):
    c = MIN_C
    while 1 << c < 2 * variables:
        c += 1
    return solve(profile, [c], 0.0, 2 * DEGREE[profile], 1)
