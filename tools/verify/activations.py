"""Values of activations, in integers alone. docs/semantics.md, rule 4.

sigmoid and tanh are computed with 160 bits behind the point. docs/semantics.md asks for the correctly rounded value, half away from
zero; here the exponential's error is below 2^-150, so the result is right unless the true value lies closer than that to a tie, which
is not to be expected of any argument and grid that a program can have.
"""

from .program import AVERAGE_BITS, CLIP, IDENTITY, LEAKY_RELU, RELU, SIGMOID, TABLE

BITS = 160
ONE = 1 << BITS
GUARD = 40


def exp_negative(n, e):
    """exp(-n 2^-e) with BITS behind the point, n >= 0: halve the argument until it is small, sum the series, square."""
    if (n << -e if e < 0 else n >> e) >= 128:
        return 0
    one = 1 << (BITS + GUARD)
    x = n << (BITS + GUARD - e)
    halvings = 12
    x >>= halvings
    term = total = one
    for k in range(1, 60):
        term = -(term * x >> (BITS + GUARD)) // k
        total += term
    for _ in range(halvings):
        total = total * total >> (BITS + GUARD)
    return total >> GUARD


def rounded_ratio(numerator, denominator, out):
    """round(2^out numerator / denominator), half up."""
    return ((numerator << (out + 1)) + denominator) // (2 * denominator)


def raw(activation, v):
    f = activation.f
    if f == IDENTITY:
        return v
    if f == RELU:
        return max(v, 0)
    if f == LEAKY_RELU:
        return v if v >= 0 else (v * activation.a + (1 << 23)) >> 24
    if f == CLIP:
        return min(max(v, activation.a), activation.b)
    if f == TABLE:
        return activation.values[v + len(activation.values) // 2]
    if f == SIGMOID:
        e = exp_negative(abs(v), activation.in_exponent)
        return rounded_ratio(e if v < 0 else ONE, ONE + e, activation.out_exponent)
    e = exp_negative(2 * abs(v), activation.in_exponent)
    y = rounded_ratio(ONE - e, ONE + e, activation.out_exponent)
    return -y if v < 0 else y


def activate(requant, v):
    """Tab(clamp(v, -c, c - 1)), clamped to [lo, hi]."""
    c = 1 << requant.clamp_bits
    y = raw(requant.activation, min(max(v, -c), c - 1))
    return min(max(y, requant.activation.lo), requant.activation.hi)


def average_multiplier(n):
    """round(2^16 / n), half up."""
    return ((2 << AVERAGE_BITS) + n) // (2 * n)
