#!/usr/bin/env python3
"""The output of an op is a function of its inputs: for small ops of every kind over rows, and contractions, all witnesses are found.

    tests/soundness/unique/unique_test.py [SEED [PROGRAMS OF EACH KIND]]

Programs have random attributes (whatever a key may say: tables that do not fall, any mask, any epsilon); for each, all inputs or a
sample. search.py finds every assignment in F that the constraints of the independent verifier let through: there must be one, whose
output is what docs/semantics.md says, by formulas that are written here once more. Standard library alone.
"""

import pathlib
import random
import sys
import time
from copy import copy
from itertools import islice
from itertools import product as assignments
from math import isqrt, prod
from types import SimpleNamespace

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from search import Search, TooMany, Unbound  # noqa: E402
from verify import field  # noqa: E402
from verify.activations import activate  # noqa: E402
from verify.operators import slice_relation  # noqa: E402
from verify.program import (IDENTITY, RELU, TABLE, Activation, AxisMap, Contract, Divide, Extreme, Factor, Normalize, OneHot,  # noqa: E402
                            Op, Program, Reduce, Requant, Softmax, Tensor, Weight)
from verify.program_rules import check_program  # noqa: E402
from verify.verdict import BadInput, Unsupported  # noqa: E402

INPUTS = 12  # of a program, if it has more


def options(rng):
    """How lookups are cut, as a key says it. Ranges of committed inputs are none of these programs' subject."""
    bits = rng.randint(1, 4)
    return SimpleNamespace(limb_bits=bits, wide_rows=rng.choice((0, 1 << 14)), top_bits=bits - 1, far_bits=4 - bits, split_ranges=False)


def requant(rng, shift, lo=-7, hi=7, clamp_bits=3):
    f = rng.choice((IDENTITY, RELU, TABLE)) if lo < 0 else IDENTITY
    values = [rng.randint(lo, hi) for _ in range(2 << clamp_bits)] if f == TABLE else []
    return Requant([shift], clamp_bits, Activation(f, 0, 0, lo, hi, 0, 0, "", values))


def rounded(r, acc):
    s = r.shift[0]
    return activate(r, (acc + (1 << (s - 1))) >> s if s >= 1 else acc << -s)


def program(body, inputs, output, weights=()):
    """inputs: (shape, lo, hi). The output has exponent 0."""
    tensors = [Tensor(f"t{i}", list(shape), 0, lo, hi) for i, (shape, lo, hi) in enumerate(inputs)]
    tensors.append(Tensor("y", list(output[0]), 0, *output[1:]))
    return Program(tensors, list(weights), [Op("op", "op", body)], list(range(len(inputs))), [len(inputs)])


def rows_of(x, n):
    return [x[i:i + n] for i in range(0, len(x), n)]


# ---- each gives a program, and its output for inputs and weights

def extreme(rng):
    rows, n, lo = rng.randint(1, 2), rng.randint(1, 4), rng.randint(-2, 0)
    hi = lo + rng.randint(0, 3)
    index = rng.random() < 0.6
    op = Extreme(0, 1, n, rng.random() < 0.5, index, index and rng.random() < 0.5)
    p = program(op, [([rows, n], lo, hi)], ([rows], *((0, n - 1) if index else (lo, hi))))

    def value(row):
        best = (min if op.minimum else max)(row)
        if not index:
            return best
        return n - 1 - row[::-1].index(best) if op.last else row.index(best)
    return p, lambda x, w: [value(row) for row in rows_of(x[0], n)]


def softmax(rng):
    n, mask_rows, turns = rng.randint(1, 3), rng.choice((0, 0, 1, 2)), rng.randint(1, 2)
    rows = max(1, mask_rows) * (turns if mask_rows < 2 else 1)
    lo, k = rng.randint(-1, 0), rng.randint(1, 3)
    hi, extra = lo + rng.randint(0, 2), rng.randint(0, 4)
    table = [1 << k] + [rng.randint(0, 1 << k) for _ in range(rng.randint(0, 3))] + [0]
    visible = []
    for _ in range(mask_rows):
        row = [rng.randint(0, 1) for _ in range(n)]
        row[rng.randrange(n)] = 1
        visible += row
    op = Softmax(0, 1, n, k, k + extra, table, mask_rows, visible, requant(rng, extra + k - rng.randint(0, 2), 0, 7))
    p = program(op, [([rows, n], lo, hi)], ([rows, n], 0, 7))

    def values(row, shown):
        top = max(v for v, s in zip(row, shown) if s)
        e = [table[min(top - v, len(table) - 1)] if s else 0 for v, s in zip(row, shown)]
        return [rounded(op.requant, v * ((1 << op.inverse_bits) // sum(e))) for v in e]

    def output(x, w):
        return [y for r, row in enumerate(rows_of(x[0], n))
                for y in values(row, visible[r % mask_rows * n:][:n] if mask_rows else [1] * n)]
    return p, output


def normalize(rng):
    n, rows, lo = rng.randint(1, 3), rng.randint(1, 2), rng.randint(-1, 0)
    hi, centered = lo + rng.randint(0, 2), rng.random() < 0.6
    gamma, beta = (rng.choice((None, i)) for i in (0, 1))
    weights = [Weight("gamma", [n], 3), Weight("beta", [n], rng.choice((3, 200)))]
    epsilon, k = rng.choice((1, 1, 2, rng.randint(1, 20))), rng.choice((2, 4, 6, 8))
    op = Normalize(0, 1, n, centered, epsilon, k, gamma, beta, requant(rng, rng.randint(0, k)))
    p = program(op, [([rows, n], lo, hi)], ([rows, n], -7, 7), weights)

    def values(row, w):
        mean = (2 * sum(row) + n // 2) // n if centered else 0
        c = [2 * x - mean for x in row]
        d = isqrt((1 << k) // (sum(x * x for x in c) // n + epsilon))
        scale, shift = w[0] if gamma is not None else [1] * n, w[1] if beta is not None else [0] * n
        return [rounded(op.requant, x * (2 * d + 1) * g + b) for x, g, b in zip(c, scale, shift)]
    return p, lambda x, w: [y for row in rows_of(x[0], n) for y in values(row, w)]


def divide(rng):
    lo = rng.randint(-3, 0)
    hi, low = lo + rng.randint(0, 5), rng.randint(1, 3)
    shape, by = [rng.randint(1, 2), rng.randint(1, 2)], rng.random() < 0.5
    op = Divide(0, 1, 2, rng.randint(0, 3), requant(rng, rng.randint(0, 2)))
    b_shape = [shape[0], 1] if by else shape
    p = program(op, [(shape, lo, hi), (b_shape, low, low + rng.randint(0, 4))], (shape, -7, 7))

    def output(x, w):
        b = [v for v in x[1] for _ in range(shape[1])] if by else x[1]
        return [rounded(op.requant, (2 * (a << op.shift) + d) // (2 * d)) for a, d in zip(x[0], b)]
    return p, output


def one_hot(rng):
    rows, depth = rng.randint(1, 2), rng.randint(1, 4)
    hi = rng.randint(0, depth - 1)
    p = program(OneHot(0, 1, depth), [([rows], 0, hi)], ([rows, depth], 0, 1))
    return p, lambda x, w: [int(j == v) for v in x[0] for j in range(depth)]


def contract(rng):
    """a (i, k) times b (j, k), the letters in any axes' order; or times a weight; k may be kept, or reach beyond an axis."""
    i, j, k = (rng.randint(1, 2) for _ in range(3))
    stride, offset, weight = rng.choice((1, 1, 2, -1)), rng.choice((0, 0, -1, 1)), rng.random() < 0.3
    kept = rng.choice((2, 3))
    flip = rng.random() < 0.5
    a = Factor(False, 0, [i, k], [AxisMap(0, [(0, 1)]), AxisMap(offset, [(2, stride)])])
    axes, maps = [j, k], [AxisMap(0, [(1, 1)]), AxisMap(0, [(2, 1)])]
    b = Factor(weight, 0 if weight else 1, axes[::-1] if flip else axes, maps[::-1] if flip else maps)
    letters = [i, j, k]
    op = Contract(*((b, a) if rng.random() < 0.5 else (a, b)), 1 if weight else 2, letters, kept, requant(rng, rng.randint(0, 2)))
    inputs = [([i, k], -2, 1)] + ([] if weight else [(b.axes, -1, 2)])
    p = program(op, inputs, (letters[:kept], -7, 7), [Weight("w", b.axes, 2)] if weight else [])

    def output(x, w):
        other = w[0] if weight else x[1]

        def term(u, v, s):
            at = offset + stride * s
            left = x[0][u * k + at] if 0 <= at < k else 0
            return left * other[s * j + v if flip else v * k + s]
        if kept == 3:
            accs = [term(u, v, s) for u in range(i) for v in range(j) for s in range(k)]
        else:
            accs = [sum(term(u, v, s) for s in range(k)) for u in range(i) for v in range(j)]
        return [rounded(op.requant, acc) for acc in accs]
    return p, output


def reduce(rng):
    i, k, coef = rng.randint(1, 2), rng.randint(1, 3), rng.choice((1, -1, 3, 5))
    op = Reduce(0, 1, [i, k], 1, [i, k], [AxisMap(0, [(0, 1)]), AxisMap(0, [(1, 1)])], coef, requant(rng, rng.randint(0, 2)))
    p = program(op, [([i, k], -2, 1)], ([i], -7, 7))
    return p, lambda x, w: [rounded(op.requant, coef * sum(row)) for row in rows_of(x[0], k)]


KINDS = (extreme, softmax, normalize, divide, one_hot, contract, reduce)
# Ranges that others back where values are as small as here: tests/soundness/dead_row_rules.cc has where they do not.
BACKED = {normalize: {"variance range"}}


# ---- the test

def some_inputs(rng, p):
    """Values of all inputs: all there are, or some."""
    cells = [range(p.tensors[t].lo, p.tensors[t].hi + 1) for t in p.inputs for _ in range(prod(p.tensors[t].shape))]
    if prod(map(len, cells)) <= INPUTS:
        found = list(assignments(*cells))
    else:
        found = [[rng.choice((r[0], r[-1], rng.choice(r))) for r in cells] for _ in range(INPUTS)]
    for values in found:
        out = []
        for t in p.inputs:
            n = prod(p.tensors[t].shape)
            out.append(list(values[:n]))
            values = values[n:]
        yield out


def drawn(rng, kind):
    """A program that a key may have, its relation and its meaning."""
    while True:
        p, output = kind(rng)
        try:
            check_program(p)
            return p, slice_relation(p, [], options(rng)), output
        except (BadInput, Unsupported):
            pass


def outputs(rng, p, relation, output, search):
    """Of each input: what the program means, and the outputs of the first two witnesses."""
    for x in some_inputs(rng, p):
        w = [[rng.randint(-spec.max_abs, spec.max_abs) for _ in range(prod(spec.shape))] for spec in p.weights]
        known = {(t, i): v for t, values in enumerate(w) for i, v in enumerate(values)}
        known.update({(relation.value(t), i): v for t, values in zip(p.inputs, x) for i, v in enumerate(values)})
        y = relation.value(p.outputs[0])
        right = [v % field.P for v in output(x, w)]
        yield x, w, right, [[s[y, i] for i in range(len(right))] for s in islice(search.solutions(known), 2)]


def one_witness(rng, kind):
    """How many inputs have one witness each, with the right output; raises AssertionError if one has none, or others."""
    p, relation, output = drawn(rng, kind)
    inputs = 0
    for x, w, right, found in outputs(rng, p, relation, output, Search(relation)):
        assert found == [right], f"{p}\nx = {x}, w = {w}: outputs {found}, not {right}"
        inputs += 1
    return inputs


def what(name):
    """The rule that a constraint stands for: its name without op and number."""
    return " ".join(word for word in name.split(" ")[1:] if not word.isdigit())


def without(relation, name):
    """The relation without the constraints of this name."""
    less = copy(relation)
    less.lookups = [x for x in relation.lookups if what(x.name) != name]
    less.identities = [x for x in relation.identities if what(x.name) != name]
    return less


def drop(rng, kind, names, missed):
    """Drops each kind of constraint, of those not yet missed. Adds what there is, and without what some input has two witnesses, or a
    cell that nothing holds."""
    p, relation, output = drawn(rng, kind)
    here = {what(x.name) for x in [*relation.lookups, *relation.identities]}
    names |= here
    for name in sorted(here - missed):
        try:
            less = without(relation, name)
            if any(found != [right] for _, _, right, found in outputs(rng, p, less, output, Search(less, steps=4000))):
                missed.add(name)
        except Unbound:
            missed.add(name)
        except TooMany:
            pass  # another program will show it


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    programs = int(sys.argv[2]) if len(sys.argv) > 2 else 16
    failed = False
    for kind in KINDS:
        rng, begin, inputs, names, missed = random.Random(f"{kind.__name__} {seed}"), time.monotonic(), 0, set(), set()
        try:
            inputs = sum(one_witness(rng, kind) for _ in range(programs))
        except AssertionError as error:
            print(f"{kind.__name__}: {error}")
            failed = True
        for _ in range(programs):
            drop(rng, kind, names, missed)
        print(f"{kind.__name__}: {programs} programs, {inputs} inputs with one witness each, {time.monotonic() - begin:.1f} s; "
              f"without {len(missed)} of {len(names)} kinds of constraints there are others", flush=True)
        if names - missed != BACKED.get(kind, set()):
            print(f"{kind.__name__}: nothing happens without {sorted(names - missed)}")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
