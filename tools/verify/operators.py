"""The constraints of each operator. docs/protocol/operators.md.

`slice_relation` gives those of a slice, `range_relation` those of the weights' ranges. The order in which tensors, tables,
lookups, identities and products are made numbers them, and is part of the protocol: docs/protocol/operators.md, "Order".
"""

from math import prod

from .activations import average_multiplier
from .field import P
from .program import AveragePool, AxisMap, Contract, Conv, Gemm, MaxPool, Rearrange, Reduce, Sum
from .relation import (MAX_LOOKUPS, MAX_TABLE_ROWS, Identity, Lookup, Product, Relation, Term, View, axis, broadcast_view, identity_view,
                       tensor_term)
from .requantize import Requantizer
from .rows import ROW_CONSTRAIN
from .verdict import Unsupported
from .work import MAX_WORK

DIGIT_BITS = 14


def slice_relation(program, ranged, key):
    """ranged: the committed inputs, whose declared ranges are looked up. key: limb_bits, wide_rows, top_bits, far_bits and split_ranges."""
    relation = Relation(program, tensors=True)
    shared = Requantizer(relation, ranged, key)
    for t in ranged:
        shared.look_up_range(t)
    for op in program.ops:
        if prod(program.tensors[op.body.y].shape) > MAX_LOOKUPS:
            raise Unsupported("an output of more than 2^25 elements cannot be proved", op.name)
        CONSTRAIN[type(op.body)](relation, shared, op)
    return relation.finish()


# ---- linear ops

def bias_terms(bias, site):
    return [] if bias is None else [tensor_term(bias, View([site[-1]], [axis(len(site) - 1)]))]


def constrain_conv(relation, shared, op):
    """Letters: n, oy, ox, group, channel of the group, ky, kx, input channel of the group."""
    body, p = op.body, relation.program
    x, y, w = p.tensors[body.x].shape, p.tensors[body.y].shape, p.weights[body.w].shape
    win = body.window
    per_group = w[0] // body.groups
    channel = AxisMap(0, [(3, per_group), (4, 1)])
    a_view = View(x, [axis(0), AxisMap(-win.pad_begin[0], [(1, win.stride[0]), (5, win.dilation[0])]),
                      AxisMap(-win.pad_begin[1], [(2, win.stride[1]), (6, win.dilation[1])]), AxisMap(0, [(3, w[3]), (7, 1)])])
    relation.products.append(Product(
        f"{op.name} product", [y[0], y[1], y[2], body.groups, per_group, w[1], w[2], w[3]],
        [axis(0), axis(1), axis(2), channel], relation.value(body.x), a_view,
        body.w, View(w, [channel, axis(5), axis(6), axis(7)])))
    shared.constrain(op, y, [Term(product=len(relation.products) - 1)] + bias_terms(body.bias, y))


def constrain_gemm(relation, shared, op):
    """Letters: m, k, o."""
    body, p = op.body, relation.program
    w = p.weights[body.w].shape
    rows = prod(p.tensors[body.x].shape) // w[1]
    site = [rows, w[0]]
    relation.products.append(Product(
        f"{op.name} product", [rows, w[1], w[0]], [axis(0), axis(2)],
        relation.value(body.x), View([rows, w[1]], [axis(0), axis(1)]), body.w, View(w, [axis(2), axis(1)])))
    shared.constrain(op, site, [Term(product=len(relation.products) - 1)] + bias_terms(body.bias, site))


def constrain_contract(relation, shared, op):
    """Letters: the op's own; the kept ones are the site."""
    body = op.body
    site = body.letters[:body.kept]

    def factor(f):
        return f.id if f.is_weight else relation.value(f.id), View(f.axes, f.maps)

    relation.products.append(Product(f"{op.name} product", body.letters, [axis(k) for k in range(body.kept)],
                                     *factor(body.a), *factor(body.b)))
    shared.constrain(op, site, [Term(product=len(relation.products) - 1)])


def constrain_reduce(relation, shared, op):
    body = op.body
    shared.constrain(op, body.letters[:body.kept],
                     [Term(body.coef % P, relation.value(body.x), None, View(body.axes, body.maps), body.letters[body.kept:], [])])


def constrain_sum(relation, shared, op):
    p, body = relation.program, op.body
    site = p.tensors[body.y].shape
    acc = []
    for t in body.terms:
        shape = (p.weights if t.is_weight else p.tensors)[t.id].shape
        acc.append(tensor_term(t.id if t.is_weight else relation.value(t.id), broadcast_view(shape, site), t.coef))
    shared.constrain(op, site, acc)


def indicator(condition):
    return [1 if c else 0 for c in condition]


def constrain_average_pool(relation, shared, op):
    """The multiplier depends on how many taps count, a product of one count per axis: one term per pair of counts."""
    body, p = op.body, relation.program
    x, y = p.tensors[body.x].shape, p.tensors[body.y].shape
    win = body.window
    view = View(x, [axis(0), AxisMap(-win.pad_begin[0], [(1, win.stride[0]), (4, win.dilation[0])]),
                    AxisMap(-win.pad_begin[1], [(2, win.stride[1]), (5, win.dilation[1])]), axis(3)])
    counts = [[body.counted(k, o, x[k + 1]) for o in range(y[k + 1])] for k in (0, 1)]
    if len(set(counts[0])) * len(set(counts[1])) > MAX_WORK // (len(counts[0]) + len(counts[1])):
        raise Unsupported("an average pool with too many different borders", op.name)
    acc = []
    for r in dict.fromkeys(counts[0]):  # distinct counts, in order of appearance
        for c in dict.fromkeys(counts[1]):
            scales = []
            for letter, line, n in ((1, counts[0], r), (2, counts[1], c)):
                if any(count != n for count in line):
                    scales.append((letter, indicator(count == n for count in line)))
            acc.append(Term(average_multiplier(r * c), relation.value(body.x), None, view, list(win.kernel), scales))
    shared.constrain(op, y, acc)


# ---- MaxPool

def read_at(terms, letter, count, stride, shift, size, outside):
    """The sum of terms at letter := stride * letter + shift, of a tensor that is `outside` beyond [0, size)."""
    at = [o * stride + shift for o in range(count)]
    inside = indicator(0 <= i < size for i in at)
    moved = []
    for term in terms:
        scales = [(l, [values[i] if 0 <= i < size else 0 for i in at]) if l == letter else (l, values)
                  for l, values in term.scales]
        view = term.view
        if term.tensor is None:
            if not all(inside):
                scales.append((letter, inside))
        else:
            maps = []
            for m in view.maps:
                coefs = dict(m.parts)
                offset = m.offset + coefs.get(letter, 0) * shift
                maps.append(AxisMap(offset, [(l, coef * stride if l == letter else coef) for l, coef in m.parts]))
            view = View(view.axes, maps)
        moved.append(term.but(scales=scales, view=view))
    if not all(inside) and outside != 0:
        moved.append(Term(outside, scales=[(letter, [1 - i for i in inside])]))
    return moved


def minus(terms):
    return [term.but(scalar=-term.scalar) for term in terms]


def constrain_max_pool(relation, shared, op):
    """Columns, then rows: running maxima, one rise a further tap; the last rise of all is y minus the running maximum."""
    body, p = op.body, relation.program
    x, y = p.tensors[body.x], p.tensors[body.y].shape
    w, reach = body.window, x.hi - x.lo
    out = [tensor_term(relation.value(body.y), identity_view(y))]
    site = list(x.shape)
    best = [tensor_term(relation.value(body.x), identity_view(site))]
    for letter in (2, 1):
        k = letter - 1
        size, site = site[letter], site[:letter] + [y[letter]] + site[letter + 1:]

        def tap(j):
            return read_at(best, letter, y[letter], w.stride[k], j * w.dilation[k] - w.pad_begin[k], size, x.lo)

        running = tap(0)
        for j in range(1, w.kernel[k]):
            difference = tap(j) + minus(running)
            name = f"{op.name} {'column' if letter == 2 else 'row'} tap {j}"
            table = relation.table(("relu", reach), 2 * reach + 1, lambda: [(d, max(d, 0)) for d in range(-reach, reach + 1)])
            last = j + 1 == w.kernel[k] and (letter == 1 or w.kernel[0] == 1)
            if last and site == y:
                relation.lookups.append(Lookup(name, list(site), table, [difference, out + minus(running)]))
                return
            rise = tensor_term(relation.add_tensor(site), identity_view(site))
            relation.lookups.append(Lookup(name, list(site), table, [difference, [rise]]))
            running = running + [rise]
        best = running
    relation.identities.append(Identity(f"{op.name} copy", y, out + minus(best)))


# ---- Rearrange

def constrain_rearrange(relation, shared, op):
    """y - sum over pieces of x[view] - fill (1 - covered) = 0."""
    body = op.body
    terms = [tensor_term(relation.value(body.y), identity_view(body.y_axes))]
    if body.fill != 0:
        terms.append(Term(-body.fill))
    for piece in body.pieces:
        letters = [letter for m in piece.maps for letter, _ in m.parts]
        if len(set(letters)) != len(letters):
            raise Unsupported("a data movement reads two axes with one letter", op.name)
        view = View(piece.x_axes, piece.maps)
        terms.append(tensor_term(relation.value(piece.x), view, -1))
        if body.fill != 0:
            terms.append(Term(body.fill, view=view))
    relation.identities.append(Identity(f"{op.name} movement", body.y_axes, terms))


CONSTRAIN = {Conv: constrain_conv, Gemm: constrain_gemm, Sum: constrain_sum, AveragePool: constrain_average_pool,
             MaxPool: constrain_max_pool, Rearrange: constrain_rearrange, Contract: constrain_contract,
             Reduce: constrain_reduce, **ROW_CONSTRAIN}


# ---- weight ranges

def digits_of(max_abs):
    """Digits of a bound of 2^15 and more; 0: one lookup does."""
    return 0 if max_abs < 1 << 15 else -(-(2 * max_abs).bit_length() // DIGIT_BITS)


def range_relation(program):
    """Every weight within its max_abs: docs/protocol/operators.md, "Weight ranges"."""
    bounds = {w.max_abs for w in program.weights if w.max_abs < 1 << 15}
    if sum(prod(w.shape) * max(1, 2 * digits_of(w.max_abs)) for w in program.weights) > MAX_LOOKUPS:
        raise Unsupported("the slice has more than 2^25 weights")
    if (1 << DIGIT_BITS) + sum(2 * bound + 1 for bound in bounds) > MAX_TABLE_ROWS:
        raise Unsupported("the slice has constants of too many different ranges")
    relation = Relation(program, tensors=False)
    for w, spec in enumerate(program.weights):
        n = prod(spec.shape)
        whole = identity_view([n])
        if spec.max_abs < 1 << 15:
            relation.lookups.append(Lookup(f"{spec.name} range", [n], relation.range_table(-spec.max_abs, spec.max_abs),
                                           [[tensor_term(w, whole)]]))
            continue
        digits = digits_of(spec.max_abs)
        for side, sign in (("low", 1), ("high", -1)):
            terms = [tensor_term(w, whole, sign), Term(spec.max_abs)]
            for i in range(digits):
                digit = relation.add_tensor([n])
                relation.lookups.append(Lookup(f"{spec.name} {side} digit {i}", [n],
                                               relation.range_table(0, (1 << DIGIT_BITS) - 1), [[tensor_term(digit, whole)]]))
                terms.append(tensor_term(digit, whole, -(1 << (DIGIT_BITS * i))))
            relation.identities.append(Identity(f"{spec.name} {side} bound", [n], terms))
    return relation.finish()
