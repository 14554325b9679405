"""Rules and sizes of the ops over rows: Extreme, Softmax, Normalize, Divide, OneHot. docs/formats/program.md, docs/protocol/operators.md."""

from dataclasses import dataclass
from math import isqrt, prod

from .program import (ACCUMULATOR_LIMIT, MAX_COEFFICIENT, MAX_ELEMENTS, MAX_MASK, MAX_NARROW, MAX_QUOTIENT_SHIFT, MAX_VALUE, Divide,
                      Extreme, Normalize, OneHot, Softmax)
from .verdict import rule

RANGE_BITS = 8  # a range [0, 2^bits) is one table up to this many bits; above, its low bits are limbs


def range_shift(bits):
    return max(0, bits - RANGE_BITS)


@dataclass
class SoftmaxSizes:
    rows: int
    z_max: int
    sum_bits: int
    inverse_bits: int
    exp_rows: int


def softmax_sizes(p, op):
    x = p.tensors[op.x]
    z_max = x.hi - x.lo
    return SoftmaxSizes(prod(x.shape) // op.n, z_max, op.exp_bits + (op.n - 1).bit_length(), op.inverse_bits - op.exp_bits + 1,
                        3 * z_max + 2 if op.visible else z_max + 1)


@dataclass
class NormalSizes:
    rows: int
    mean_lo: int
    mean_hi: int
    c_max: int
    variance_max: int
    v: int
    half: int
    gap_bits: int
    scaled_max: int


def normal_sizes(p, op):
    x = p.tensors[op.x]
    spread = x.hi - x.lo
    c_max = 2 * (spread if op.centered else x.largest())
    variance_max = spread * spread if op.centered else c_max * c_max
    v = (variance_max + op.epsilon - 1).bit_length()
    half = op.root_bits // 2
    root = isqrt(op.n - 1) + 1
    return NormalSizes(prod(x.shape) // op.n, 2 * x.lo if op.centered else 0, 2 * x.hi if op.centered else 0, c_max, variance_max, v,
                       half, (op.root_bits + v + 1) // 2 + 2, min(1 << 62, (2 * min(root, c_max) << half) + c_max))


def row_ranges(p, op):
    """Bits of the ranges that an op's parts are looked up in."""
    if isinstance(op, Softmax):
        s = softmax_sizes(p, op)
        return [s.sum_bits, s.sum_bits, s.inverse_bits]
    if isinstance(op, Normalize):
        s = normal_sizes(p, op)
        means = [(s.mean_hi - s.mean_lo).bit_length()] if op.centered else []
        return means + [s.variance_max.bit_length(), s.half + 1, s.gap_bits, s.gap_bits]
    return []


def check_rows(x, n, name):
    rule(n >= 1 and prod(x.shape) % n == 0, "rows do not divide the tensor", name)


def check_same_size(x, y, requant, name):
    rule(prod(x.shape) == prod(y.shape), "input and output differ in size", name)
    rule(len(requant.shift) == 1, "needs one shift", name)


def check_extreme(p, op, name):
    x, y = p.tensors[op.x], p.tensors[op.y]
    check_rows(x, op.n, name)
    rule(prod(y.shape) == prod(x.shape) // op.n, "the output needs one value a row", name)
    if op.index:
        rule(y.exponent == 0 and y.lo <= 0 and y.hi >= op.n - 1, "indices do not fit the output", name)
        return
    rule(not op.last, "only an index has a last occurrence", name)
    rule((x.exponent, x.lo, x.hi) == (y.exponent, y.lo, y.hi), "an extreme keeps exponent and range", name)


def check_softmax(p, op, name):
    x, y = p.tensors[op.x], p.tensors[op.y]
    check_rows(x, op.n, name)
    check_same_size(x, y, op.requant, name)
    rule(1 <= op.exp_bits <= 24, "numerator bits are not in 1..24", name)
    one, e = 1 << op.exp_bits, op.exp_table
    rule(len(e) >= 2 and e[0] == one and e[-1] == 0 and all(0 <= v <= one for v in e),
         "the table of numerators does not fall from 2^bits to 0", name)
    rule(0 <= op.mask_rows <= MAX_MASK and (not op.visible) == (op.mask_rows == 0) and len(op.visible) == op.mask_rows * op.n,
         "the mask does not fit the rows", name)
    rule(op.mask_rows == 0 or prod(x.shape) // op.n % op.mask_rows == 0, "mask rows do not divide the rows", name)
    for r in range(op.mask_rows):
        row = op.visible[r * op.n:(r + 1) * op.n]
        rule(all(v <= 1 for v in row), "a mask's flag is not 0 or 1", name)
        rule(any(row), "a row of the mask hides everything", name)
    rule(op.exp_bits <= op.inverse_bits <= 60, "reciprocal bits are below the numerators' or above 60", name)
    rule(op.inverse_bits - op.exp_bits + softmax_sizes(p, op).sum_bits <= 60, "rows are too long for the reciprocal's bits", name)


def check_normalize(p, op, name):
    x, y = p.tensors[op.x], p.tensors[op.y]
    check_rows(x, op.n, name)
    check_same_size(x, y, op.requant, name)
    rule(1 <= op.epsilon <= MAX_COEFFICIENT, "epsilon is not in 1..2^40", name)
    rule(op.root_bits % 2 == 0 and 2 <= op.root_bits <= 60, "root bits are odd or not in 2..60", name)
    for w in (op.gamma, op.beta):
        rule(w is None or p.weights[w].shape == [op.n], "scale and shift need one value an entry", name)
    rule(op.gamma is None or p.weights[op.gamma].max_abs <= MAX_NARROW, "a scale is beyond 16 bits", name)
    s = normal_sizes(p, op)
    rule(s.v <= op.root_bits, "the variance has more bits than its root", name)
    rule(s.half + s.v <= 60 and op.n <= ACCUMULATOR_LIMIT // (s.c_max * s.c_max + 1),
         "rows are too long or too wide for their squares", name)
    rule(s.half + s.gap_bits <= 61, "the variance's root has too many bits", name)


def check_divide(p, op, name):
    a, b, y = p.tensors[op.a], p.tensors[op.b], p.tensors[op.y]
    for x in (a, b):
        rule(len(x.shape) <= len(y.shape), "an operand has more axes than the result", name)
        rule(all(d in (1, e) for d, e in zip(reversed(x.shape), reversed(y.shape))), "an operand does not broadcast", name)
    rule(b.lo >= 1, "the divisor's range reaches below 1", name)
    rule(0 <= op.shift <= MAX_QUOTIENT_SHIFT, "shift is not in 0..40", name)
    rule(len(op.requant.shift) == 1 and op.requant.shift[0] >= 0, "needs one shift, not negative", name)


def check_one_hot(p, op, name):
    x, y = p.tensors[op.x], p.tensors[op.y]
    rule(1 <= op.depth <= MAX_VALUE + 1 and prod(x.shape) * op.depth <= MAX_ELEMENTS
         and prod(y.shape) == prod(x.shape) * op.depth, "the output needs depth entries for each index, at most 2^16", name)
    rule(x.exponent == 0 and x.lo >= 0 and x.hi <= op.depth - 1, "indices are not in [0, depth - 1]", name)
    rule(y.exponent == 0 and y.lo <= 0 and y.hi >= 1, "the output's range lacks 0 or 1", name)


ROW_CHECKS = {Extreme: check_extreme, Softmax: check_softmax, Normalize: check_normalize, Divide: check_divide, OneHot: check_one_hot}


def row_bound(p, op):
    """The largest |acc|, as bounds.accumulator_bound."""
    if isinstance(op, Extreme):
        return p.tensors[op.x].largest()
    if isinstance(op, Softmax):
        return 1 << op.inverse_bits
    if isinstance(op, Normalize):
        bound = normal_sizes(p, op).scaled_max * (1 if op.gamma is None else p.weights[op.gamma].max_abs)
        return bound + (0 if op.beta is None else p.weights[op.beta].max_abs)
    if isinstance(op, Divide):
        return ((p.tensors[op.a].largest() // max(p.tensors[op.b].lo, 1) + 1) << op.shift) + 1
    return 1
