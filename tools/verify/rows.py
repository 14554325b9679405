"""The constraints of the ops over rows. docs/protocol/operators.md."""

from math import prod

from .field import P
from .program import Divide, Extreme, Normalize, OneHot, Softmax
from .relation import (MAX_TABLE_ROWS, Identity, Lookup, Product, Term, View, axis, broadcast_view, identity_view,
                       tensor_term)
from .row_rules import normal_sizes, softmax_sizes
from .verdict import Unsupported
from .work import MAX_WORK


def row_view(rows, per_row):
    return View([rows], [axis(0)]) if per_row == 1 else View([rows, per_row], [axis(0), axis(1)])


def row_sum(tensor, rows, n, coef=1):
    return Term(coef, tensor, None, View([rows, n], [axis(0), axis(1)]), [n], [])


class Rows:
    """One op over rows: its relation, and the products that its formulas are made of."""

    def __init__(self, relation, shared, op, rows, n):
        self.relation, self.shared, self.op, self.rows, self.n = relation, shared, op, rows, n

    def part(self, per_row):
        return self.relation.add_tensor([self.rows] if per_row == 1 else [self.rows, per_row])

    def one(self, tensor, coef=1):
        return tensor_term(tensor, row_view(self.rows, 1), coef)

    def identity(self, what, site, terms):
        self.relation.identities.append(Identity(f"{self.op.name} {what}", site, terms))

    def lookup(self, what, site, table, columns):
        self.relation.lookups.append(Lookup(f"{self.op.name} {what}", site, table, columns))

    def product(self, what, a, c, summed, coef=1):
        """Factors are (tensor, values a row); letters (row, entry)."""
        def view(factor):
            return View([self.rows], [axis(0)]) if factor[1] == 1 else View([self.rows, self.n], [axis(0), axis(1)])
        self.relation.products.append(Product(
            f"{self.op.name} {what}", [self.rows, self.n], [axis(0)] if summed else [axis(0), axis(1)],
            a[0], view(a), c[0], view(c)))
        return Term(coef, product=len(self.relation.products) - 1)

    def per_row(self, what, a, c, coef=1):
        view = row_view(self.rows, 1)
        self.relation.products.append(Product(f"{self.op.name} {what}", [self.rows], [axis(0)], a, view, c, view))
        return Term(coef, product=len(self.relation.products) - 1)

    def bits(self, what, x, bits):
        """The sum of x lies in [0, 2^bits) in each row."""
        self.shared.look_up_bits(f"{self.op.name} {what}", [self.rows], x, bits)

    def rests(self):
        if self.n > MAX_TABLE_ROWS:
            raise Unsupported("a row has more than 2^20 entries", self.op.name)


def constrain_extreme(relation, shared, op):
    body = op.body
    x, n = relation.program.tensors[body.x], body.n
    r = Rows(relation, shared, op, prod(x.shape) // n, n)
    value = relation.value(body.x)
    if n == 1:
        r.identity("copy", [r.rows], [r.one(relation.value(body.y))] + ([] if body.index else [r.one(value, -1)]))
        return
    stair = r.part(n - 1)
    extreme = r.part(1) if body.index else relation.value(body.y)
    sign = -1 if body.minimum else 1
    z_max = x.hi - x.lo

    def step(offset):
        return tensor_term(stair, View([r.rows, n - 1], [axis(0), axis(1, 1, offset)]))

    end = n - 1 if body.last else 0  # beyond its ends the stair is 1 here, 0 there
    before = [step(0 if body.last else -1), Term(1, view=View([1], [axis(1, 1, -end)]))]
    table = relation.table(("stair", z_max), 2 * (z_max + 1),
                           lambda: [(a, z, a if z > 0 else 0) for a in (0, 1) for z in range(z_max + 1)])
    r.lookup("stair", [r.rows, n], table,
             [before, [r.one(extreme, sign), tensor_term(value, row_view(r.rows, n), -sign)], [step(-1 if body.last else 0)]])
    if body.index:
        r.identity("index", [r.rows], [r.one(relation.value(body.y)), row_sum(stair, r.rows, n - 1, 1 if body.last else -1)]
                   + ([Term(1 - n)] if body.last else []))


def mask_terms(name, op, scalar):
    """scalar where an entry is hidden: one term for each different row of the mask, in order. Letters: (turn, mask row, entry)."""
    rows = {}
    for r in range(op.mask_rows):
        rows.setdefault(tuple(op.visible[r * op.n:(r + 1) * op.n]), []).append(r)
    if len(rows) > MAX_WORK // max(1, op.mask_rows + op.n):
        raise Unsupported("a mask with too many different rows", name)
    return [Term(scalar, scales=[(1, [1 if r in where else 0 for r in range(op.mask_rows)]), (2, [1 - v for v in visible])])
            for visible, where in sorted(rows.items()) if not all(visible)]


def constrain_softmax(relation, shared, op):
    body, n = op.body, op.body.n
    s = softmax_sizes(relation.program, body)
    r = Rows(relation, shared, op, s.rows, n)
    r.rests()
    maximum, e, flag, inverse, rest = r.part(1), r.part(n), r.part(n), r.part(1), r.part(1)
    site = [r.rows // body.mask_rows, body.mask_rows, n] if body.visible else [r.rows, n]
    z = [tensor_term(maximum, identity_view(site[:-1])), tensor_term(relation.value(body.x), identity_view(site), -1)]
    z += mask_terms(op.name, body, 2 * s.z_max + 1)
    numerators = body.exp_table[:s.z_max + 1]
    table = relation.table(("exp", s.z_max, bool(body.visible), tuple(body.exp_table)), s.exp_rows, lambda: [
        (z, numerators[z] if z < len(numerators) else 0, 1 if z == 0 else 0) for z in range(s.exp_rows)])
    r.lookup("exponential", site, table, [z, [tensor_term(e, identity_view(site))], [tensor_term(flag, identity_view(site))]])
    r.lookup("maximum", [r.rows], relation.range_table(0, n - 1), [[row_sum(flag, r.rows, n), Term(-1)]])
    r.identity("rest", [r.rows], [r.one(rest), Term(-(1 << body.inverse_bits)),
                                  r.product("sum by reciprocal", (inverse, 1), (e, n), True)])
    r.bits("rest range", [r.one(rest)], s.sum_bits)
    r.bits("divisor range", [row_sum(e, r.rows, n), Term(-1), r.one(rest, -1)], s.sum_bits)
    r.bits("reciprocal range", [r.one(inverse)], s.inverse_bits)
    shared.constrain(op, [r.rows, n], [r.product("product", (e, n), (inverse, 1), False)])


def constrain_normalize(relation, shared, op):
    body, n = op.body, op.body.n
    s = normal_sizes(relation.program, body)
    r = Rows(relation, shared, op, s.rows, n)
    one, site, x = r.one, [r.rows], relation.value(body.x)
    variance, rest, root, root_v, gap = (r.part(1) for _ in range(5))
    mean, scaled_mean = (r.part(1), r.part(1)) if body.centered else (None, None)
    whole = r.part(n) if body.gamma is not None else None
    r.rests()
    rests = relation.range_table(0, n - 1)
    if body.centered:
        r.lookup("mean", site, rests, [[row_sum(x, r.rows, n, 2), Term(n // 2), one(mean, -n)]])
        r.bits("mean range", [one(mean), Term(-s.mean_lo)], (s.mean_hi - s.mean_lo).bit_length())
    squares = [one(variance, -n), one(rest, -1), r.product("squares", (x, n), (x, n), True, 4)]
    if body.centered:
        squares += [r.product("mean by values", (mean, 1), (x, n), True, -4), r.per_row("mean squared", mean, mean, n)]
    r.identity("variance", site, squares)
    r.lookup("variance rest", site, rests, [[one(rest)]])
    r.bits("variance range", [one(variance)], s.variance_max.bit_length())
    r.bits("root range", [one(root)], s.half + 1)
    r.identity("root by variance", site, [one(root_v), r.per_row("root by variance product", root, variance, -1),
                                          one(root, -body.epsilon)])
    r.identity("root gap", site, [one(gap), Term(-(1 << body.root_bits)), r.per_row("root gap product", root, root_v)])
    r.bits("root gap range", [one(gap)], s.gap_bits)
    r.bits("next root range", [one(root_v, 2), one(variance), Term(body.epsilon - 1), one(gap, -1)], s.gap_bits)
    if body.centered:
        r.identity("scaled mean", site, [one(scaled_mean), r.per_row("scaled mean product", mean, root, -2), one(mean, -1)])
    scaled = [r.product("values by root", (x, n), (root, 1), False, 4), tensor_term(x, row_view(r.rows, n), 2)]
    if body.centered:
        scaled.append(one(scaled_mean, -1))
    entries = [r.rows, n]
    if body.gamma is None:
        acc = scaled
    else:
        r.identity("scaled", entries, [t.but(scalar=-t.scalar) for t in scaled] + [tensor_term(whole, row_view(r.rows, n))])
        relation.products.append(Product(f"{op.name} product", entries, [axis(0), axis(1)], whole, identity_view(entries),
                                         body.gamma, View([n], [axis(1)])))
        acc = [Term(product=len(relation.products) - 1)]
    if body.beta is not None:
        acc.append(tensor_term(body.beta, View([n], [axis(1)])))
    shared.constrain(op, entries, acc)


def constrain_divide(relation, shared, op):
    body, p = op.body, relation.program
    site, divisor = p.tensors[body.y].shape, p.tensors[body.b].hi
    quotient, rest = relation.add_tensor(site), relation.add_tensor(site)
    a, b = (tensor_term(relation.value(t), broadcast_view(p.tensors[t].shape, site)) for t in (body.a, body.b))
    whole = identity_view(site)
    relation.products.append(Product(f"{op.name} divisor by quotient", site, whole.maps, quotient, whole, relation.value(body.b),
                                     b.view))
    relation.identities.append(Identity(f"{op.name} division", site, [
        tensor_term(rest, whole), Term(2, product=len(relation.products) - 1), a.but(scalar=-(2 << body.shift)), b.but(scalar=-1)]))
    table = relation.range_table(0, 2 * divisor - 1)
    relation.lookups.append(Lookup(f"{op.name} rest range", site, table, [[tensor_term(rest, whole)]]))
    relation.lookups.append(Lookup(f"{op.name} divisor range", site, table,
                                   [[b.but(scalar=2), tensor_term(rest, whole, -1), Term(-1)]]))
    shared.constrain(op, site, [tensor_term(quotient, whole)])
    if 2 * divisor * ((shared.largest_rounded(op) + 2) << op.requant.shift[0]) >= P // 4:
        raise Unsupported("quotients are too large for the proof field", op.name)


def constrain_one_hot(relation, shared, op):
    body, depth = op.body, op.body.depth
    rows = prod(relation.program.tensors[body.x].shape)
    table = relation.table(("one hot", depth), 2 * depth - 1, lambda: [(d, 1 if d == 0 else 0) for d in range(1 - depth, depth)])
    site = [rows, depth]
    relation.lookups.append(Lookup(f"{op.name} one hot", site, table, [
        [tensor_term(relation.value(body.x), row_view(rows, 1)), Term(1, scales=[(1, [-j for j in range(depth)])])],
        [tensor_term(relation.value(body.y), identity_view(site))]]))


ROW_CONSTRAIN = {Extreme: constrain_extreme, Softmax: constrain_softmax, Normalize: constrain_normalize, Divide: constrain_divide,
                 OneHot: constrain_one_hot}
