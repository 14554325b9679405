"""The rules of an integer program: what everything after it relies on. docs/formats/program.md, "Rules"."""

from math import prod

from .bounds import accumulator_bound
from .program import (ACCUMULATOR_LIMIT, CLIP, LEAKY_RELU, MAX_AXIS_TAPS, MAX_CLAMP_BITS, MAX_COEFFICIENT, MAX_CONTRACT_TERMS,
                      MAX_ELEMENTS, MAX_EXPONENT, MAX_GRID_EXPONENT, MAX_NARROW, MAX_OUT_EXPONENT, MAX_RANK, MAX_SHIFT,
                      MAX_SPARSE_POSITIONS, MAX_TOTAL_ELEMENTS, MAX_VALUE, MAX_WEIGHT, MAX_WINDOW, MIN_SHIFT, SIGMOID, TABLE, TANH,
                      AveragePool, Contract, Conv, Gemm, MaxPool, Rearrange, Reduce, Sum)
from .row_rules import ROW_CHECKS
from .verdict import rule


def check_program(p):
    """docs/formats/program.md, "Rules"."""
    for things in (p.tensors, p.weights):
        for thing in things:
            rule(1 <= len(thing.shape) <= MAX_RANK, "a shape's rank is not in 1..8", thing.name)
            rule(all(d >= 1 for d in thing.shape) and prod(thing.shape) <= MAX_ELEMENTS,
                 "a shape has a dimension below 1 or more than 2^28 elements", thing.name)
        rule(sum(prod(thing.shape) for thing in things) <= MAX_TOTAL_ELEMENTS, "the program has more than 2^31 elements")
    for t in p.tensors:
        rule(abs(t.exponent) <= MAX_EXPONENT, "exponent beyond +-256", t.name)
        rule(-MAX_VALUE <= t.lo <= t.hi <= MAX_VALUE, "declared range is empty or reaches 2^16", t.name)
    for w in p.weights:
        rule(1 <= w.max_abs <= MAX_WEIGHT, "largest magnitude is not in [1, 2^40)", w.name)
    rule(p.inputs and p.outputs, "a program needs inputs and outputs")
    for ids, name in ((p.inputs, "input"), (p.outputs, "output")):
        rule(len(set(ids)) == len(ids) and all(i < len(p.tensors) for i in ids), f"an {name} is out of range or listed twice")
    ready = set(p.inputs)
    for op in p.ops:
        rule(all(i in ready for i in op.reads()), "reads a tensor that no earlier op produces", op.name)
        rule(all(i < len(p.weights) for i in op.reads_weights()), "weight out of range", op.name)
        rule(op.body.y < len(p.tensors) and op.body.y not in ready, "its output is out of range or produced twice", op.name)
        ready.add(op.body.y)
        CHECKS[type(op.body)](p, op.body, op.name)
        bound = accumulator_bound(p, op)
        if op.requant is not None:
            check_requant(op.requant, p.tensors[op.body.y], bound, op.name)
    rule(len(ready) == len(p.tensors), "a tensor has no producer")


def check_requant(r, y, bound, name):
    rule(len(r.shift) in (1, y.shape[-1]), "needs one shift, or one per last axis", name)
    rule(all(MIN_SHIFT <= s <= MAX_SHIFT for s in r.shift), "shift is not in -40..60", name)
    rule(r.rounded_bound(bound) < ACCUMULATOR_LIMIT, "the shifted accumulator could reach 2^61", name)
    rule(r.clamp_bits <= MAX_CLAMP_BITS, "clamp is beyond 2^18", name)
    a = r.activation
    grid = a.f in (SIGMOID, TANH)
    rule(a.f <= TABLE, "unknown function", name)
    rule(y.lo <= a.lo <= a.hi <= y.hi, "the activation's range is not inside the output's", name)
    rule(a.out_exponent == y.exponent, "the activation's exponent is not the output's", name)
    rule(grid or a.f == TABLE or a.in_exponent == a.out_exponent, "this function keeps the exponent", name)
    rule(not grid or abs(a.in_exponent) <= MAX_GRID_EXPONENT and 0 <= a.out_exponent <= MAX_OUT_EXPONENT,
         "grid exponents are not in -32..32, or the output's not in 0..24", name)
    if a.f == LEAKY_RELU:
        rule(0 <= a.a <= 1 << 24 and a.b == 0, "slope is not in 0..2^24", name)
    elif a.f == CLIP:
        rule(-MAX_WEIGHT <= a.a <= a.b <= MAX_WEIGHT, "clip's ends are out of order or range", name)
    else:
        rule(a.a == 0 and a.b == 0, "a function without parameters has parameters", name)
    if a.f == TABLE:
        rule(abs(a.in_exponent) <= MAX_EXPONENT, "exponent beyond +-256", name)
        rule(len(a.values) == 2 << r.clamp_bits, "a table needs one value for every input of the clamp", name)
        rule(all(a.lo <= v <= a.hi for v in a.values), "a table's value is outside of its range", name)


def check_window(w, x, y, name):
    rule(len(x) == 4 and len(y) == 4 and x[0] == y[0], "needs images (N, H, W, C) with one N", name)
    for k in (0, 1):
        rule(all(1 <= v[k] <= MAX_WINDOW for v in (w.kernel, w.stride, w.dilation))
             and all(0 <= v[k] <= MAX_WINDOW for v in (w.pad_begin, w.pad_end)),
             "window sizes are not in 1..2^20, or a padding is negative", name)
        rule(w.outputs(k, x[k + 1]) == y[k + 1], "the output's size does not fit the window", name)
        rule(y[k + 1] * w.kernel[k] <= MAX_AXIS_TAPS, "a window reads more than 2^24 taps along one axis", name)


def check_taps(w, axis, size, outputs, count, what, name):
    """Every output position has a tap. Windows move in one direction, so the first and the last one decide, unless neighbouring taps
    lie further apart than the image is long."""
    positions = {0, outputs - 1}
    if w.kernel[axis] > 1 and w.dilation[axis] > size:
        rule(outputs <= MAX_SPARSE_POSITIONS, "a dilation is longer than the image, at more than 2^12 positions", name)
        positions = range(outputs)
    rule(all(count(o) >= 1 for o in positions), what, name)


def check_bias(p, bias, outputs, name):
    rule(bias is None or p.weights[bias].shape == [outputs], "bias needs one value per output channel", name)


def check_conv(p, c, name):
    x, y, w = p.tensors[c.x].shape, p.tensors[c.y].shape, p.weights[c.w].shape
    check_window(c.window, x, y, name)
    rule(p.weights[c.w].max_abs <= MAX_NARROW, "weights beyond 16 bits", name)
    rule(c.groups >= 1 and x[3] % c.groups == 0 and y[3] % c.groups == 0, "groups do not divide the channels", name)
    rule(w == [y[3], c.window.kernel[0], c.window.kernel[1], x[3] // c.groups], "weight shape does not fit", name)
    check_bias(p, c.bias, y[3], name)


def check_gemm(p, g, name):
    x, y, w = p.tensors[g.x].shape, p.tensors[g.y].shape, p.weights[g.w].shape
    rule(p.weights[g.w].max_abs <= MAX_NARROW, "weights beyond 16 bits", name)
    rule(len(w) == 2 and prod(x) % w[1] == 0 and prod(y) == prod(x) // w[1] * w[0], "matrix sizes do not fit", name)
    rule(len(g.requant.shift) <= 1 or y[-1] == w[0], "per-channel shifts need the channels as the last axis", name)
    check_bias(p, g.bias, w[0], name)


def check_sum(p, s, name):
    rule(1 <= len(s.terms), "needs 1..64 terms", name)
    rule(not all(t.is_weight for t in s.terms), "needs a term that is a tensor", name)
    y = p.tensors[s.y].shape
    for t in s.terms:
        rule(t.coef != 0 and abs(t.coef) <= MAX_COEFFICIENT, "coefficient is zero or beyond 2^40", name)
        x = (p.weights if t.is_weight else p.tensors)[t.id].shape
        rule(len(x) <= len(y), "an operand has more axes than the result", name)
        rule(all(d in (1, e) for d, e in zip(reversed(x), reversed(y))), "an operand does not broadcast", name)


def check_average_pool(p, a, name):
    x, y = p.tensors[a.x].shape, p.tensors[a.y].shape
    check_window(a.window, x, y, name)
    rule(x[3] == y[3], "a pool keeps its channels", name)
    for k in (0, 1):
        rule(0 <= a.counted_pad_end[k] <= a.window.pad_end[k], "counted padding beyond the padding", name)
        check_taps(a.window, k, x[k + 1], y[k + 1], lambda o: a.counted(k, o, x[k + 1]), "a window averages nothing", name)


def check_max_pool(p, m, name):
    x, y = p.tensors[m.x], p.tensors[m.y]
    check_window(m.window, x.shape, y.shape, name)
    rule(x.shape[3] == y.shape[3], "a pool keeps its channels", name)
    rule((x.exponent, x.lo, x.hi) == (y.exponent, y.lo, y.hi), "a maximum keeps exponent and range", name)
    for k in (0, 1):
        check_taps(m.window, k, x.shape[k + 1], y.shape[k + 1], lambda o: m.window.taps(k, o, 0, x.shape[k + 1]),
                   "a window lies outside the image", name)


def check_rearrange(p, r, name):
    y = p.tensors[r.y]
    rule(1 <= len(r.y_axes) and r.pieces, "needs 1..32 axes and 1..256 pieces", name)
    rule(all(d >= 1 for d in r.y_axes) and prod(r.y_axes) == prod(y.shape), "axes do not cover the output", name)
    rule(y.lo <= r.fill <= y.hi, "fill is outside the output's range", name)
    boxes = []
    for piece in r.pieces:
        box = piece_box(p, r, piece, y, name)
        for other in boxes:
            rule(any(max(a[0], b[0]) >= min(a[1], b[1]) for a, b in zip(box, other)),
                 "two pieces are not separated along an axis", name)
        boxes.append(box)


def check_maps(axes, maps, letters, name):
    """Each AxisMap addresses an axis with letters below `letters`."""
    rule(1 <= len(axes) == len(maps), "axes and maps differ in number", name)
    for m, size in zip(maps, axes):
        rule(abs(m.offset) <= MAX_ELEMENTS, "axis map out of range", name)
        used = [letter for letter, _ in m.parts]
        rule(used == sorted(set(used)) and all(letter < letters for letter in used), "letters must rise and exist", name)
        rule(all(c != 0 and abs(c) <= MAX_ELEMENTS for _, c in m.parts), "axis map coefficient is 0 or too large", name)
        if not m.parts:
            rule(0 <= m.offset < size, "a constant index is out of range", name)


def check_letters(op, y, name):
    """The letters of a contraction or reduction."""
    rule(1 <= op.kept <= len(op.letters), "needs 1..32 letters, of which at least one is kept", name)
    rule(all(d >= 1 for d in op.letters) and prod(op.letters) <= MAX_CONTRACT_TERMS,
         "letters are below 1 or more than 2^48 together", name)
    rule(prod(op.letters[:op.kept]) == prod(y.shape), "the kept letters do not cover the output", name)
    rule(len(op.requant.shift) <= 1 or op.letters[op.kept - 1] == y.shape[-1],
         "per-channel shifts need the last kept letter as the last axis", name)


def check_view(shape, axes, maps, letters, name):
    """Returns the letters that occur, in no two axes."""
    rule(all(d >= 1 for d in axes) and prod(axes) == prod(shape), "axes do not cover the tensor", name)
    check_maps(axes, maps, letters, name)
    used = [letter for m in maps for letter, _ in m.parts]
    rule(len(used) == len(set(used)), "a letter is in two axes of one factor", name)
    return set(used)


def check_contract(p, c, name):
    check_letters(c, p.tensors[c.y], name)
    rule(not (c.a.is_weight and c.b.is_weight), "needs a factor that is a tensor", name)
    occurs = set()
    for f in (c.a, c.b):
        rule(not f.is_weight or p.weights[f.id].max_abs <= MAX_NARROW, "weights beyond 16 bits", name)
        occurs |= check_view((p.weights if f.is_weight else p.tensors)[f.id].shape, f.axes, f.maps, len(c.letters), name)
    rule(len(occurs) == len(c.letters), "a letter is in no factor", name)


def check_reduce(p, r, name):
    check_letters(r, p.tensors[r.y], name)
    rule(r.coef != 0 and abs(r.coef) <= MAX_COEFFICIENT, "coefficient is zero or beyond 2^40", name)
    occurs = check_view(p.tensors[r.x].shape, r.axes, r.maps, len(r.letters), name)
    rule(len(occurs) == len(r.letters), "a letter is in no factor", name)


def piece_box(p, r, piece, y, name):
    """Per letter the interval [low, high) outside of which the piece's maps are out of range."""
    x = p.tensors[piece.x]
    rule(x.exponent == y.exponent and y.lo <= x.lo and x.hi <= y.hi, "moved data has another exponent or a wider range", name)
    rule(all(d >= 1 for d in piece.x_axes) and prod(piece.x_axes) == prod(x.shape), "axes do not cover the tensor", name)
    box = [(0, d) for d in r.y_axes]
    check_maps(piece.x_axes, piece.maps, len(r.y_axes), name)
    for m, size in zip(piece.maps, piece.x_axes):
        spans = [c * (r.y_axes[letter] - 1) for letter, c in m.parts]
        low, high = m.offset + sum(min(s, 0) for s in spans), m.offset + sum(max(s, 0) for s in spans)
        for (letter, c), span in zip(m.parts, spans):
            # the values v for which others + c v is in range for some values of the others
            others_low, others_high = low - min(span, 0), high - max(span, 0)
            begin = -(others_high // c) if c > 0 else -((size - 1 - others_low) // -c)
            end = -((others_low - size) // c) if c > 0 else others_high // -c + 1
            box[letter] = (max(box[letter][0], begin), min(box[letter][1], end))
    return box


CHECKS = {Conv: check_conv, Gemm: check_gemm, Sum: check_sum, AveragePool: check_average_pool, MaxPool: check_max_pool,
          Rearrange: check_rearrange, Contract: check_contract, Reduce: check_reduce, **ROW_CHECKS}
