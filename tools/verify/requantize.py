"""Rounding, clamp and activation of an accumulator. docs/protocol/operators.md, "Requantization"."""

from .activations import activate
from .bounds import accumulator_bound
from .field import P, inverse
from .program import SIGMOID, TANH
from .relation import MAX_TABLE_ROWS, Lookup, Term, identity_view, tensor_term
from .row_rules import range_shift, row_ranges
from .verdict import Unsupported


def limb_width(shift, limb_bits, limb):
    return min(max(shift - limb_bits * limb, 0), limb_bits)


def power_of_two(s):
    return pow(2, s, P) if s >= 0 else inverse(pow(2, -s, P))


def scaled(term, letter, per_entry):
    """The term times per_entry[i] on a letter: one scalar when all entries are equal."""
    if all(x == per_entry[0] for x in per_entry):
        return term.but(scalar=term.scalar * per_entry[0] % P)
    return term.but(scales=term.scales + [(letter, per_entry)])


def offset_base(v_max, c):
    """Lambda of the saturating form."""
    return v_max + -(-v_max // c) * c + 8 * c + 1


class Requantizer:
    """What the ops of a slice share: vmax of each activation, and the widths of limbs."""

    def __init__(self, relation, limb_bits, wide_rows):
        self.relation, self.limb_bits, self.wide_rows = relation, limb_bits, wide_rows
        self.v_max = {}
        widths = set()
        for op in relation.program.ops:
            if op.requant is None:
                continue
            name = self.activation_name(op.requant)
            bound = op.requant.rounded_bound(accumulator_bound(relation.program, op)) + 1
            self.v_max[name] = max(self.v_max.get(name, 0), bound)
            for i in range(self.limb_count(op.requant.shift)):
                widths.update(limb_width(s, limb_bits, i) for s in op.requant.shift)
        for op in relation.program.ops:
            for shift in map(range_shift, row_ranges(relation.program, op.body)):
                widths.update(limb_width(shift, limb_bits, i) for i in range(self.limb_count([shift])))
        self.limb_widths = sorted(widths)

    def limb_count(self, shifts):
        return max(0, -(-max(shifts) // self.limb_bits))

    @staticmethod
    def activation_name(requant):
        """Equal names mean equal tables. Exponents matter only to functions on a grid."""
        a = requant.activation
        grid = (a.in_exponent, a.out_exponent) if a.f in (SIGMOID, TANH) else (0, 0)
        return (a.f, *grid, a.lo, a.hi, a.a, a.b, requant.clamp_bits, tuple(a.values))

    def limb_table(self):
        return self.relation.table("limbs", sum(1 << k for k in self.limb_widths),
                                   lambda: [(k, r) for k in self.limb_widths for r in range(1 << k)])

    def is_wide(self, requant):
        v_max, c = self.v_max[self.activation_name(requant)], 1 << requant.clamp_bits
        return 2 * v_max + 1 <= self.wide_rows or 2 * v_max + 1 <= 4 * c + 2 * -(-v_max // c) + 1

    def largest_rounded(self, requant):
        """The largest |v| that the lookups of this requantization let through."""
        v_max, c = self.v_max[self.activation_name(requant)], 1 << requant.clamp_bits
        return v_max if self.is_wide(requant) else 2 * offset_base(v_max, c) + 2 * c

    def constrain(self, op, site, acc):
        """acc: terms in integer units over the site; the op's output is read over the site."""
        relation, requant = self.relation, op.requant
        name = self.activation_name(requant)
        v_max, c = self.v_max[name], 1 << requant.clamp_bits
        steps = -(-v_max // c)
        big = offset_base(v_max, c)
        wide = self.is_wide(requant)
        shifts = requant.shift * site[-1] if len(requant.shift) == 1 else requant.shift
        last = len(site) - 1

        bound = accumulator_bound(relation.program, op)
        largest = self.largest_rounded(requant)
        for s in shifts:
            if (bound << max(-s, 0)) + (1 << max(s, 0)) >= P // 2 or (largest + 1) << max(s, 0) >= P // 2:
                raise Unsupported("accumulators are too large for the proof field", op.name)
        if (2 * v_max + 1 if wide else 2 * steps + 1) > MAX_TABLE_ROWS:
            raise Unsupported(f"the rounded accumulator reaches {v_max}, too far beyond the clamp", op.name)

        v = acc + [scaled(Term(), last, [1 << (s - 1) if s > 0 else 0 for s in shifts])]
        for i in range(self.limb_count(shifts)):
            limb = relation.add_tensor(site)
            widths = [limb_width(s, self.limb_bits, i) for s in shifts]
            relation.lookups.append(Lookup(f"{op.name} remainder {i}", site, self.limb_table(),
                                           [[scaled(Term(), last, widths)], [tensor_term(limb, identity_view(site))]]))
            v.append(tensor_term(limb, identity_view(site), -power_of_two(self.limb_bits * i)))
        v = [scaled(term, last, [power_of_two(-s) for s in shifts]) for term in v]
        y = [tensor_term(relation.value(op.body.y), identity_view(site))]
        if wide:
            table = relation.table(("wide", name), 2 * v_max + 1,
                                   lambda: [(u, activate(requant, u)) for u in range(-v_max, v_max + 1)])
        else:
            offset = relation.add_tensor(site)
            term = tensor_term(offset, identity_view(site))
            offsets = [0] + [sign * (big - i * c) for i in range(steps) for sign in (1, -1)]
            relation.lookups.append(Lookup(
                f"{op.name} offset", site,
                relation.table(("offset", v_max, c), len(offsets), lambda: [(d,) for d in sorted(offsets)]), [[term]]))
            v.append(term)
            low, high = activate(requant, -c), activate(requant, c - 1)
            table = relation.table(("saturating", name), 4 * c, lambda: (
                [(u - big, low) for u in range(-2 * c, -c)] + [(u, activate(requant, u)) for u in range(-c, c)]
                + [(u + big, high) for u in range(c, 2 * c)]))
        relation.lookups.append(Lookup(f"{op.name} activation", site, table, [v, y]))
